#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status of `expression` from this function unless it is OK.
#define CRM_RETURN_IF_ERROR(expression)                                              \
  do {                                                                               \
    if (absl::Status crm_status = (expression); !crm_status.ok()) return crm_status; \
  } while (false)

#define CRM_CONCAT_INNER(a, b) a##b
#define CRM_CONCAT(a, b) CRM_CONCAT_INNER(a, b)

// CRM_ASSIGN_OR_RETURN(auto x, F()): x = the value, or returns the error from this function.
#define CRM_ASSIGN_OR_RETURN(lhs, expression) \
  CRM_ASSIGN_OR_RETURN_INNER(CRM_CONCAT(crm_statusor_, __LINE__), lhs, expression)
#define CRM_ASSIGN_OR_RETURN_INNER(name, lhs, expression) \
  auto name = (expression);                               \
  if (!name.ok()) return name.status();                   \
  lhs = std::move(name).value()

namespace crm {

// Every error that leaves the process carries google.rpc details as payloads of its status: an
// ErrorInfo{reason, domain "crm"} always, BadRequest, PreconditionFailure and RetryInfo where they
// apply. The message is for people and never holds personal data.
absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message);

using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;
absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message,
                   const ErrorMetadata& metadata);

// RESOURCE_EXHAUSTED or UNAVAILABLE with the time after which a retry has a chance.
absl::Status RetryLater(absl::StatusCode code, std::string_view reason, std::string_view message,
                        int retry_milliseconds);

// The ErrorInfo.reason of a status; empty where it has none.
std::string ReasonOf(const absl::Status& status);

// Collects all faults of a request before it is refused. Not thread-safe.
class FieldFaults {
 public:
  // `field` is a path such as "contact.emails[2]"; `description` tells what is allowed, never the
  // value.
  void Add(std::string field, std::string description);
  bool empty() const { return faults_.empty(); }
  // OK, or INVALID_ARGUMENT with a BadRequest of all faults (cut at 4 KiB).
  absl::Status ToStatus() const;

 private:
  std::vector<std::pair<std::string, std::string>> faults_;
};

// One fault.
absl::Status InvalidField(std::string field, std::string description);

}  // namespace crm
