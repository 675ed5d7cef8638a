#pragma once

#include <string>
#include <vector>

#include "common/projection/event_schema.h"

namespace crm {

// The events of a command with `validate_only`, stamped but not recorded, as a serialised
// crm.common.v1.WouldRecord: as many, from the first, as fit into 5 KiB. The answer's metadata
// holds it, which clients take up to 8 KiB of, in base64.
std::string RenderWouldRecord(const EventSchema& schema, const std::vector<Event>& events);

}  // namespace crm
