#include "services/campaign/projection/unread_subjects.h"

#include "common/base/status.h"
#include "services/campaign/projection/row_keys.h"

namespace crm::campaign {
namespace {

constexpr char kUnread = 'u';

}  // namespace

absl::StatusOr<bool> UnreadSubjects::Has(std::string_view tenant, std::string_view subject) {
  if (!any_) {
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(FamilyKey(partition_, kUnread)));
    any_ = row.has_value();
  }
  if (!*any_) return false;
  CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(TenantKey(partition_, kUnread, tenant, subject)));
  return row.has_value();
}

void UnreadSubjects::Add(std::string_view tenant, std::string_view subject) {
  rows_.Put(FamilyKey(partition_, kUnread), "");
  rows_.Put(TenantKey(partition_, kUnread, tenant, subject), "");
  any_ = true;
}

}  // namespace crm::campaign
