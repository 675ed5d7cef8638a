#include "services/campaign/projection/audience_fold.h"

#include "common/base/status.h"
#include "services/campaign/projection/row_keys.h"

namespace crm::campaign {

absl::Status AudienceFold::Apply(std::span<const Event> command) {
  if (command.empty()) return absl::OkStatus();
  const auto& metadata = *command.front().metadata;
  const std::string_view subject = SubjectOf(metadata.aggregate());
  const Whose whose{metadata.tenant(), ContactIdOf(subject)};
  if (whose.id.empty()) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(const bool unread, unread_.Has(whose.tenant, subject));
  if (unread) return absl::OkStatus();
  for (const Event& event : command) CRM_RETURN_IF_ERROR(ApplyOne(whose, event));
  return absl::OkStatus();
}

absl::Status AudienceFold::Unreadable(std::string_view tenant, std::string_view subject, Offset,
                                      const absl::Status& why) {
  const Whose whose{tenant, ContactIdOf(subject)};
  if (whose.id.empty() || absl::IsUnimplemented(why)) return absl::OkStatus();
  unread_.Add(tenant, subject);
  return Forget(whose);
}

}  // namespace crm::campaign
