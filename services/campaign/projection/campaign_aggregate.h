#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/campaign.h"

namespace crm::campaign {

// Binds CampaignDecider to the core, whose row is the resource as GetCampaign answers it.
struct CampaignAggregate {
  using Decider = CampaignDecider;
  using Resource = v1::Campaign;
  using Record = v1::CampaignRecord;
  static constexpr int kRecordField = v1::CampaignRecord::kCampaignFieldNumber;
  static constexpr std::string_view kCollection = "campaigns";

  static v1::CampaignEvent* Mutable(v1::CampaignRecord* record) {
    return record->mutable_campaign();
  }
  static Campaign Load(const v1::Campaign& resource);
  static v1::Campaign Store(const Campaign& campaign, const AggregateInfo& info);
};

using CampaignAggregateType = TypedAggregateType<CampaignAggregate>;

}  // namespace crm::campaign
