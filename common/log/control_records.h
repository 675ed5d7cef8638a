#pragma once

#include "common/log/log.h"
#include "common/log/record.h"

namespace crm {

// The records an engine writes by itself.

// First record of every partition of a log.
Record GenesisRecord(const LogIdentity& identity);
// First record after the log was restored from an older copy.
Record EpochRecord(int64_t number);

}  // namespace crm
