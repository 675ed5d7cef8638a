#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/projection/projection.h"
#include "crm/contact/v1/consent.pb.h"
#include "crm/contact/v1/contact.pb.h"
#include "crm/contact/v1/lifecycle.pb.h"

namespace crm::analytics {

// What the contact topic says of each contact: profile, life-cycle stage and consents, as the
// contact service answers them, without the profile's observations.
//
//   key                          value
//   partition 'c' tenant 0 id    crm.contact.v1.Contact
//   partition 'g' tenant 0 id    crm.contact.v1.ConsentLedger
//   partition 'l' tenant 0 id    crm.contact.v1.Lifecycle
//
// Immutable, thread-safe.
class CustomerContacts final : public Projection {
 public:
  static constexpr std::string_view kName = "customer-contacts";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Nothing where the contact topic does not know it. DATA_LOSS.
  static absl::StatusOr<std::optional<contact::v1::Contact>> Profile(const RowReader& rows,
                                                                     std::string_view tenant,
                                                                     std::string_view id);
  static absl::StatusOr<std::optional<contact::v1::ConsentLedger>> Consents(const RowReader& rows,
                                                                            std::string_view tenant,
                                                                            std::string_view id);
  static absl::StatusOr<std::optional<contact::v1::Lifecycle>> Lifecycle(const RowReader& rows,
                                                                         std::string_view tenant,
                                                                         std::string_view id);
};

}  // namespace crm::analytics
