#pragma once

#include <google/protobuf/message.h>

namespace crm {

// Clears the fields, at every depth, that tell when, where or how often something was recorded, not
// what: etags, the standard times, and what the rules of the proto mark as provenance. Business
// dumps are what is left.
void ClearProvenance(google::protobuf::Message* message);

}  // namespace crm
