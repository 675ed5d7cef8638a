#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/projection/projection.h"
#include "crm/campaign/v1/campaign.pb.h"

namespace crm::analytics {

// What campaigns did with each contact.
//
//   key                                          value
//   partition 'b' tenant 0 id 0 segment          crm.campaign.v1.Membership
//   partition 'r' tenant 0 id 0 response         crm.campaign.v1.Response
//   partition 'w' tenant 0 id 0 send             crm.campaign.v1.Send, in its present state
//
// The contact's name is not repeated in the values. Nothing of it identifies a person: erasure ends
// the memberships and leaves the rest. Immutable, thread-safe.
class CustomerCampaigns final : public Projection {
 public:
  static constexpr std::string_view kName = "customer-campaigns";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Sorted by segment. DATA_LOSS.
  static absl::StatusOr<std::vector<campaign::v1::Membership>> Memberships(const RowReader& rows,
                                                                           std::string_view tenant,
                                                                           std::string_view id);
  // By time of decision, the latest first; then by id.
  static absl::StatusOr<std::vector<campaign::v1::Send>> Sends(const RowReader& rows,
                                                               std::string_view tenant,
                                                               std::string_view id);
  // By time, the latest first; then by id.
  static absl::StatusOr<std::vector<campaign::v1::Response>> Responses(const RowReader& rows,
                                                                       std::string_view tenant,
                                                                       std::string_view id);
};

}  // namespace crm::analytics
