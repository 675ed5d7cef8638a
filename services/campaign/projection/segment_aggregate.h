#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/segment.h"

namespace crm::campaign {

// Binds SegmentDecider to the core, whose row is the resource as GetSegment answers it.
struct SegmentAggregate {
  using Decider = SegmentDecider;
  using Resource = v1::Segment;
  using Record = v1::CampaignRecord;
  static constexpr int kRecordField = v1::CampaignRecord::kSegmentFieldNumber;
  static constexpr std::string_view kCollection = "segments";

  static v1::SegmentEvent* Mutable(v1::CampaignRecord* record) { return record->mutable_segment(); }
  static Segment Load(const v1::Segment& resource);
  // The time of deletion is that of the last event: a deleted segment records nothing more.
  static v1::Segment Store(const Segment& segment, const AggregateInfo& info);
};

using SegmentAggregateType = TypedAggregateType<SegmentAggregate>;

}  // namespace crm::campaign
