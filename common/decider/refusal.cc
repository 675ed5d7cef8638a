#include "common/decider/refusal.h"

#include "common/base/status.h"

namespace crm {

absl::Status NotFound(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kNotFound, reason, message);
}

absl::Status AlreadyExists(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kAlreadyExists, reason, message);
}

absl::Status Refused(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

}  // namespace crm
