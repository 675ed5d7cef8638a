#include "services/analytics/reaction/compute_scores.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "services/analytics/projection/contact_scores_aggregate.h"
#include "services/analytics/projection/customer_rows.h"
#include "services/analytics/projection/order_facts.h"
#include "services/analytics/projection/score_run_aggregate.h"

namespace crm::analytics {
namespace {

absl::Status NotFolded() {
  return Error(absl::StatusCode::kUnavailable, "NOT_CAUGHT_UP",
               "the run is not in the core yet; try again");
}

// The run as of now. UNAVAILABLE where the core has not folded its start.
absl::StatusOr<v1::ScoreRun> FindRun(const ReactionContext& context, const std::string& name) {
  const Partition partition = PartitionOfSubject(context.tenant, name);
  CRM_ASSIGN_OR_RETURN(const auto row, context.reading.core.rows->Get(
                                           AggregateKey(partition, context.tenant, name)));
  if (!row) return NotFolded();
  const std::string_view bytes = ResourceOfRow(*row);
  v1::ScoreRun run;
  if (bytes.empty() || !run.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return UnreadableRow("core");
  }
  return run;
}

template <typename T, typename C>
std::unique_ptr<Command> CommandOf(const AggregateType& type, std::string name, C command) {
  return std::make_unique<DeciderCommand<T, C>>(type, std::move(name), std::move(command));
}

}  // namespace

bool ComputeScoreRun::Concerns(const Event& event) const {
  if (event.aggregate_field != v1::AnalyticsRecord::kRunFieldNumber) return false;
  return static_cast<const v1::ScoreRunEvent&>(*event.aggregate_event).has_started();
}

absl::StatusOr<ReactionStep> ComputeScoreRun::React(const ReactionContext& context,
                                                    const Event& event, std::string_view) {
  const std::string& name = event.metadata->aggregate();
  CRM_ASSIGN_OR_RETURN(const v1::ScoreRun run, FindRun(context, name));
  if (run.state() != v1::ScoreRun::RUNNING) return ReactionStep();
  absl::StatusOr<ScorePlan> plan = TakePlan(context, run);
  if (plan.ok()) return NextStep(context, name, *std::move(plan));
  if (plan.status().code() != absl::StatusCode::kFailedPrecondition) return plan.status();
  ReactionStep step;
  step.commands.push_back(CommandOf<ScoreRunAggregate>(
      runs_, name, FailScoreRun{std::string(ReasonOf(plan.status()))}));
  return step;
}

absl::StatusOr<ScorePlan> ComputeScoreRun::TakePlan(const ReactionContext& context,
                                                    const v1::ScoreRun& run) {
  {
    MutexLock lock(mutex_);
    auto kept = kept_.extract(context.partition);
    if (!kept.empty() && kept.mapped().tenant == context.tenant &&
        kept.mapped().run == run.name()) {
      return std::move(kept.mapped().plan);
    }
  }
  return MakeScorePlan(run, {context.tenant, *context.reading.core.rows,
                             *context.reading.view(OrderFacts::kName).rows});
}

void ComputeScoreRun::KeepPlan(const ReactionContext& context, const std::string& run,
                               ScorePlan plan) {
  MutexLock lock(mutex_);
  kept_[context.partition] = {context.tenant, run, std::move(plan)};
}

// Contacts first: once the run is done, all of them have its scores.
ReactionStep ComputeScoreRun::NextStep(const ReactionContext& context, const std::string& run,
                                       ScorePlan plan) {
  ReactionStep step;
  if (plan.to_score.empty()) {
    step.commands.push_back(
        CommandOf<ScoreRunAggregate>(runs_, run, CompleteScoreRun{std::move(plan.computed)}));
    return step;
  }
  for (size_t n = std::min(kChunk, plan.to_score.size()); n > 0; --n) {
    ScoredCustomer& next = plan.to_score.front();
    step.commands.push_back(CommandOf<ContactScoresAggregate>(
        scores_, ContactScoresName(next.id), ScoreContact{std::move(next.scores)}));
    plan.to_score.pop_front();
  }
  step.progress = "scoring";
  KeepPlan(context, run, std::move(plan));
  return step;
}

}  // namespace crm::analytics
