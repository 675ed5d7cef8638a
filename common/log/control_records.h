#pragma once

#include <vector>

#include "common/log/log.h"
#include "common/log/record.h"

namespace crm {

// The records an engine writes by itself.

// First record of every partition of a log.
Record GenesisRecord(const LogIdentity& identity);
// First record after the log was restored from an older copy.
Record EpochRecord(int64_t number);
// What a partition that joins the log begins with: its genesis, and the epoch the log is in.
std::vector<Record> FirstRecords(const LogIdentity& identity);

}  // namespace crm
