#pragma once

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace crm::interaction {

// Collects all faults of a request, each with a reason of the kinds that InteractionService names.
// Not thread-safe.
class RequestFaults {
 public:
  // As FieldFaults::Add.
  void Add(std::string_view reason, std::string field, std::string description);

  // OK, or INVALID_ARGUMENT with a BadRequest of all faults. Its reason is theirs where they share
  // one, else INVALID_FIELD.
  absl::Status ToStatus() const;

 private:
  FieldFaults faults_;
  // Of the faults so far; empty where there are none or several kinds.
  std::string reason_;
};

}  // namespace crm::interaction
