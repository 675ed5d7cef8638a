#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/aggregate/aggregate.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/reach.h"

namespace crm::campaign {

// Binds ReachDecider to the core. The row holds what cannot be derived; SendsOf and ResponsesOf
// give it as the API answers it.
struct ReachAggregate {
  using Decider = ReachDecider;
  using Resource = v1::Reach;
  using Record = v1::CampaignRecord;
  static constexpr int kRecordField = v1::CampaignRecord::kReachFieldNumber;
  static constexpr std::string_view kCollection = "reach";

  static v1::ReachEvent* Mutable(v1::CampaignRecord* record) { return record->mutable_reach(); }
  static Reach Load(const v1::Reach& resource);
  static v1::Reach Store(const Reach& reach, const AggregateInfo& info);
};

using ReachAggregateType = TypedAggregateType<ReachAggregate>;

// "contacts/{contact}/reach".
std::string ReachName(std::string_view contact);

// In order of decision time, then of campaign and step. `partition` is the contact's.
std::vector<v1::Send> SendsOf(const v1::Reach& reach, Partition partition);
// In order of response time, then of id.
std::vector<v1::Response> ResponsesOf(const v1::Reach& reach);

}  // namespace crm::campaign
