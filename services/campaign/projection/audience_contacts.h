#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::campaign {

// What the contact topic tells of each contact: attributes, stage, consents. Folds
// crm.contact.v1.ContactRecord.
//
//   key                                value
//   partition 'c' tenant 0 id          AudienceContactRow, once the contact is created
//   partition 'l' tenant 0 id          AudienceStageRow, once it has left the first stage
//   partition 'k' tenant 0 id          AudienceConsentsRow, once it said anything about consent
//   partition 'u' …                    UnreadSubjects
//
// `id` is the name without "contacts/". An erased contact keeps what does not identify a person,
// but no consent. Immutable, thread-safe.
class AudienceContacts final : public Projection {
 public:
  static constexpr std::string_view kName = "audience-contacts";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of the keys of a tenant's contacts, in order of id.
  static std::string ContactsPrefix(Partition partition, std::string_view tenant);
  static std::string StageKey(Partition partition, std::string_view tenant, std::string_view id);
  static std::string ConsentsKey(Partition partition, std::string_view tenant, std::string_view id);
};

}  // namespace crm::campaign
