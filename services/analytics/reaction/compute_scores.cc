#include "services/analytics/reaction/compute_scores.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "crm/analytics/v1/analytics_service.pb.h"
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

// What another replica is asked where the contact's partition is its own; see
// AnalyticsService.RecordContactScores.
Command::AsCall AsCallOf(const ScoredCustomer& customer) {
  v1::RecordContactScoresRequest request;
  request.set_contact(ContactName(customer.id));
  if (customer.scores.has_rfm()) *request.mutable_rfm() = customer.scores.rfm();
  if (customer.scores.has_value()) *request.mutable_value() = customer.scores.value();
  return {"RecordContactScores", request.SerializeAsString()};
}

// Where in its plan a step begins; the first contact where the progress is none of a plan.
size_t PlaceOf(std::string_view progress) {
  size_t place = 0;
  std::from_chars(progress.data(), progress.data() + progress.size(), place);
  return place;
}

}  // namespace

bool ComputeScoreRun::Concerns(const Event& event) const {
  if (event.aggregate_field != v1::AnalyticsRecord::kRunFieldNumber) return false;
  return static_cast<const v1::ScoreRunEvent&>(*event.aggregate_event).has_started();
}

absl::StatusOr<ReactionStep> ComputeScoreRun::React(const ReactionContext& context,
                                                    const Event& event, std::string_view progress) {
  const std::string& name = event.metadata->aggregate();
  CRM_ASSIGN_OR_RETURN(const v1::ScoreRun run, FindRun(context, name));
  if (run.state() != v1::ScoreRun::RUNNING) return ReactionStep();
  size_t from = PlaceOf(progress);
  MutexLock lock(mutex_);
  const absl::StatusOr<Kept*> kept = FindPlan(context, run, &from);
  if (kept.ok()) return StepFrom(**kept, from);
  if (kept.status().code() != absl::StatusCode::kFailedPrecondition) return kept.status();
  ReactionStep step;
  step.commands.push_back(CommandOf<ScoreRunAggregate>(
      runs_, name, FailScoreRun{std::string(ReasonOf(kept.status()))}));
  return step;
}

absl::StatusOr<ComputeScoreRun::Kept*> ComputeScoreRun::FindPlan(const ReactionContext& context,
                                                                 const v1::ScoreRun& run,
                                                                 size_t* from) {
  Kept& kept = kept_[context.partition];
  const bool same = kept.tenant == context.tenant && kept.run == run.name();
  if (same && *from <= kept.plan.to_score.size()) return &kept;
  CRM_ASSIGN_OR_RETURN(kept.plan,
                       MakeScorePlan(run, {context.tenant, *context.reading.core.rows,
                                           *context.reading.view(OrderFacts::kName).rows}));
  kept.tenant = context.tenant;
  kept.run = run.name();
  *from = 0;
  return &kept;
}

// Contacts first: once the run is done, all of them have its scores.
ReactionStep ComputeScoreRun::StepFrom(const Kept& kept, size_t from) const {
  ReactionStep step;
  const std::vector<ScoredCustomer>& to_score = kept.plan.to_score;
  if (from == to_score.size()) {
    step.commands.push_back(
        CommandOf<ScoreRunAggregate>(runs_, kept.run, CompleteScoreRun{kept.plan.computed}));
    return step;
  }
  const size_t to = std::min(from + kChunk, to_score.size());
  for (size_t i = from; i < to; ++i) {
    step.commands.push_back(CommandOf<ContactScoresAggregate>(
        scores_, ContactScoresName(to_score[i].id), ScoreContact{to_score[i].scores}));
    step.commands.back()->as_call = AsCallOf(to_score[i]);
  }
  step.progress = std::to_string(to);
  return step;
}

}  // namespace crm::analytics
