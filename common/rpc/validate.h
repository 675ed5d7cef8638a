#pragma once

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/base/status.h"

namespace crm {

// Parses `bytes` into `message` and checks the field rules of its proto (crm/common/v1/rules.proto)
// and UTF-8, everywhere in the tree: required fields, lengths, patterns, enumerations, and that an
// update mask names only what can be changed. Output-only fields are cleared. INVALID_ARGUMENT with
// all faults, each named by its path; REQUEST_MALFORMED where the bytes are no such message
// (truncated, nested deeper than 32).
absl::Status ParseAndValidate(std::string_view bytes, google::protobuf::Message* message);

// The same, where more is to be checked before the request is refused: faults of fields go into
// `faults`, and what is at fault is cleared in `message` (items of lists stay, empty; lists are cut
// to what they may hold). Not OK: there is nothing to check further.
absl::Status ParseAndValidate(std::string_view bytes, google::protobuf::Message* message,
                              FieldFaults* faults);

// INVALID_ARGUMENT with `faults`, of which there are some, and those of `refusal`, if that is one
// of fields, without those that follow from a field that `faults` names.
absl::Status JoinFaults(FieldFaults faults, const absl::Status& refusal);

// The request in canonical field order without `request_id` and `validate_only`: what "the same
// payload" means.
std::string CanonicalPayload(const google::protobuf::Message& request);

}  // namespace crm
