#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::campaign {

// The view behind ListCampaigns by create_time. Folds crm.campaign.v1.CampaignRecord.
//
//   key                                    value
//   partition 't' tenant 0 time(be64) id   -
//
// `time` is when the first event was recorded, nanoseconds since 1970; `id` is the name without
// "campaigns/". Immutable, thread-safe.
class CampaignsByTime final : public Projection {
 public:
  static constexpr std::string_view kName = "campaigns-by-time";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of the keys of a tenant's campaigns; what follows is the campaign's place.
  static std::string ListPrefix(Partition partition, std::string_view tenant);
  // The campaign's name, from its place in the list.
  static std::string NameAt(std::string_view place);
};

}  // namespace crm::campaign
