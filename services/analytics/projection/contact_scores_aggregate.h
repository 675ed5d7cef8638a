#pragma once

#include <string>
#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/analytics/domain/contact_scores.h"

namespace crm::analytics {

// Binds ContactScoresDecider to the core, whose row is the resource as GetContactScores answers it.
struct ContactScoresAggregate {
  using Decider = ContactScoresDecider;
  using Resource = v1::ContactScores;
  using Record = v1::AnalyticsRecord;
  static constexpr int kRecordField = v1::AnalyticsRecord::kScoreFieldNumber;
  static constexpr std::string_view kCollection = "scores";

  static v1::ScoreEvent* Mutable(v1::AnalyticsRecord* record) { return record->mutable_score(); }
  static ContactScores Load(const v1::ContactScores& resource);
  // The time of erasure is that of the last event: an erased aggregate records nothing more.
  static v1::ContactScores Store(const ContactScores& scores, const AggregateInfo& info);
};

using ContactScoresAggregateType = TypedAggregateType<ContactScoresAggregate>;

// "contacts/{id}/scores".
std::string ContactScoresName(std::string_view id);

}  // namespace crm::analytics
