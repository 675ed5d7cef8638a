#include "services/interaction/api/request_faults.h"

#include <utility>

namespace crm::interaction {
namespace {

constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";

}  // namespace

void RequestFaults::Add(std::string_view reason, std::string field, std::string description) {
  if (faults_.empty()) reason_ = reason;
  if (reason_ != reason) reason_.clear();
  faults_.Add(std::move(field), std::move(description));
}

absl::Status RequestFaults::ToStatus() const {
  absl::Status fields = faults_.ToStatus();
  if (fields.ok() || reason_.empty()) return fields;
  absl::Status status = Error(fields.code(), reason_,
                              std::string_view(fields.message().data(), fields.message().size()));
  if (const auto detail = fields.GetPayload(kBadRequest)) status.SetPayload(kBadRequest, *detail);
  return status;
}

}  // namespace crm::interaction
