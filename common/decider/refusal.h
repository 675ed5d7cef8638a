#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace crm {

// How a decider says no. `reason` becomes ErrorInfo.reason, a constant of the service that callers
// may switch on; `message` names the remedy and holds no personal data.

// NOT_FOUND: what the command is about does not exist.
absl::Status NotFound(std::string_view reason, std::string_view message);

// ALREADY_EXISTS: what the command would make is there.
absl::Status AlreadyExists(std::string_view reason, std::string_view message);

// FAILED_PRECONDITION: the rules say no in the present state.
absl::Status Refused(std::string_view reason, std::string_view message);

}  // namespace crm
