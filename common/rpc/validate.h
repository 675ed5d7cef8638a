#pragma once

#include <google/protobuf/message.h>

#include <string_view>

#include "absl/status/status.h"

namespace crm {

// Parses `bytes` into `message` and checks the field rules of its proto (crm/common/v1/rules.proto)
// and UTF-8, everywhere in the tree. INVALID_ARGUMENT with all faults, each named by its path;
// REQUEST_MALFORMED where the bytes are no such message (truncated, nested deeper than 32).
absl::Status ParseAndValidate(std::string_view bytes, google::protobuf::Message* message);

// The request in canonical field order without `request_id` and `validate_only`: what "the same
// payload" means.
std::string CanonicalPayload(const google::protobuf::Message& request);

}  // namespace crm
