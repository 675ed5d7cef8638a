#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/analytics/domain/score_run.h"

namespace crm::analytics {

// Binds ScoreRunDecider to the core, whose row is the resource as GetScoreRun answers it.
struct ScoreRunAggregate {
  using Decider = ScoreRunDecider;
  using Resource = v1::ScoreRun;
  using Record = v1::AnalyticsRecord;
  static constexpr int kRecordField = v1::AnalyticsRecord::kRunFieldNumber;
  static constexpr std::string_view kCollection = "scoreRuns";

  static v1::ScoreRunEvent* Mutable(v1::AnalyticsRecord* record) { return record->mutable_run(); }
  static ScoreRun Load(const v1::ScoreRun& resource);
  static v1::ScoreRun Store(const ScoreRun& run, const AggregateInfo& info);
};

using ScoreRunAggregateType = TypedAggregateType<ScoreRunAggregate>;

}  // namespace crm::analytics
