#pragma once

#include <string>

#include "common/log/record.h"
#include "common/projection/event_schema.h"

namespace crm {

// Why a record that no reader applies (FenceFilter::Verdict::kVoid) is listed as a dead letter, as
// a reason in capitals. Empty: it is not, since our own owners leave such records behind: late ones
// of a lost fence, duplicates, holes. A function of the record alone, so that every reader lists
// the same.
std::string ReasonToList(const Record& record, const EventSchema& schema);

}  // namespace crm
