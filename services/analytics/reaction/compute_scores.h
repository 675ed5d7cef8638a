#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/base/mutex.h"
#include "common/service/reaction.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/analytics/reaction/score_plan.h"

namespace crm::analytics {

// ScoreRunStarted -> ContactScored for each contact whose scores change, then ScoresComputed; or
// ScoreRunFailed with the model's reason.
//
// The plan of a run is made when the run is met and kept in memory until its last command. Where it
// was lost it is made anew from the rows of then: what was recorded before is not recorded again,
// and a run that has ended causes nothing. Thread-safe.
class ComputeScoreRun final : public Reaction {
 public:
  // Commands a step.
  static constexpr size_t kChunk = 500;

  // `runs` and `scores` are the service's aggregate types.
  ComputeScoreRun(const AggregateType& runs, const AggregateType& scores)
      : runs_(runs), scores_(scores) {}

  std::string_view name() const override { return "compute-score-run"; }
  std::string_view topic() const override { return "crm.analytics.events"; }
  const google::protobuf::Message& record() const override {
    return v1::AnalyticsRecord::default_instance();
  }
  bool Concerns(const Event& event) const override;
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  // The plan of the run a partition is at.
  struct Kept {
    std::string tenant;
    std::string run;
    ScorePlan plan;
  };

  absl::StatusOr<ScorePlan> TakePlan(const ReactionContext& context, const v1::ScoreRun& run);
  void KeepPlan(const ReactionContext& context, const std::string& run, ScorePlan plan);
  ReactionStep NextStep(const ReactionContext& context, const std::string& run, ScorePlan plan);

  const AggregateType& runs_;
  const AggregateType& scores_;
  Mutex mutex_;
  // A partition reacts to one event at a time.
  std::map<Partition, Kept> kept_;
};

}  // namespace crm::analytics
