#include "services/analytics/projection/customer_fold.h"

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

constexpr char kKeptOut = 's';

std::string AnyKey(Partition partition) {
  return {static_cast<char>(partition), kKeptOut};
}

}  // namespace

absl::Status CustomerFold::Apply(std::span<const Event> command) {
  for (const Event& event : command) {
    const std::string& tenant = event.metadata->tenant();
    const std::string_view id = ContactIdOf(event.metadata->aggregate());
    if (id.empty()) {
      CRM_RETURN_IF_ERROR(ApplyOther(event));
      continue;
    }
    CRM_ASSIGN_OR_RETURN(const bool kept_out, IsKeptOut(tenant, id));
    if (!kept_out) CRM_RETURN_IF_ERROR(ApplyOne(event, tenant, id));
  }
  return absl::OkStatus();
}

absl::Status CustomerFold::Unreadable(std::string_view tenant, std::string_view subject, Offset,
                                      const absl::Status&) {
  const std::string_view id = ContactIdOf(subject);
  if (id.empty()) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(const bool kept_out, IsKeptOut(tenant, id));
  if (kept_out) return absl::OkStatus();
  CRM_RETURN_IF_ERROR(Forget(tenant, id));
  rows_.Put(AnyKey(partition_), "");
  rows_.Put(ContactKey(partition_, kKeptOut, tenant, id), "");
  any_kept_out_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> CustomerFold::IsKeptOut(std::string_view tenant, std::string_view id) {
  if (!any_kept_out_) {
    CRM_ASSIGN_OR_RETURN(const auto any, rows_.Get(AnyKey(partition_)));
    any_kept_out_ = any.has_value();
  }
  if (!*any_kept_out_) return false;
  CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(ContactKey(partition_, kKeptOut, tenant, id)));
  return row.has_value();
}

absl::StatusOr<bool> IsKeptOut(const RowReader& rows, std::string_view tenant,
                               std::string_view id) {
  const Partition partition = PartitionOfSubject(tenant, ContactName(id));
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(ContactKey(partition, kKeptOut, tenant, id)));
  return row.has_value();
}

}  // namespace crm::analytics
