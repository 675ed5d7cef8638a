#include "services/analytics/domain/score_run.h"

#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::analytics {

static_assert(DeciderOf<ScoreRunDecider, StartScoreRun, CompleteScoreRun, FailScoreRun>);

namespace {

using Events = ScoreRunDecider::Events;
using v1::ScoreRunEvent;

bool IsUnknown(const ScoreRun& run) {
  return run.run.state() == v1::ScoreRun::STATE_UNSPECIFIED;
}

bool IsRunning(const ScoreRun& run) {
  return run.run.state() == v1::ScoreRun::RUNNING;
}

absl::Status NoSuchRun() {
  return NotFound(kScoreRunNotFound, "there is no score run of this name; start it first");
}

ScoreRun Started(const v1::ScoreRunStarted& event) {
  ScoreRun started{event.content()};
  started.run.set_state(v1::ScoreRun::RUNNING);
  return started;
}

ScoreRun Computed(ScoreRun run, const v1::ScoresComputed& event) {
  run.run.set_state(v1::ScoreRun::DONE);
  if (event.has_rfm_cuts()) *run.run.mutable_rfm_cuts() = event.rfm_cuts();
  if (event.has_value_parameters()) {
    *run.run.mutable_value_parameters() = event.value_parameters();
  }
  run.run.set_customers(event.customers());
  run.run.set_changed(event.changed());
  *run.run.mutable_read_to() = event.read_to();
  return run;
}

ScoreRun Failed(ScoreRun run, const v1::ScoreRunFailed& event) {
  run.run.set_state(v1::ScoreRun::FAILED);
  run.run.set_failure(event.reason());
  return run;
}

}  // namespace

ScoreRun ScoreRunDecider::Evolve(ScoreRun run, const ScoreRunEvent& event) {
  switch (event.event_case()) {
    case ScoreRunEvent::kStarted:
      return IsUnknown(run) ? Started(event.started()) : run;
    case ScoreRunEvent::kComputed:
      return IsRunning(run) ? Computed(std::move(run), event.computed()) : run;
    case ScoreRunEvent::kFailed:
      return IsRunning(run) ? Failed(std::move(run), event.failed()) : run;
    case ScoreRunEvent::EVENT_NOT_SET:
      return run;
  }
  return run;
}

absl::StatusOr<Events> ScoreRunDecider::Decide(const ScoreRun& run, const StartScoreRun& command) {
  if (!IsUnknown(run)) {
    return AlreadyExists(kScoreRunExists, "a score run of this name exists; start another one");
  }
  Events events;
  *events.emplace_back().mutable_started()->mutable_content() = command.content;
  return events;
}

absl::StatusOr<Events> ScoreRunDecider::Decide(const ScoreRun& run,
                                               const CompleteScoreRun& command) {
  if (IsUnknown(run)) return NoSuchRun();
  Events events;
  if (IsRunning(run)) *events.emplace_back().mutable_computed() = command.computed;
  return events;
}

absl::StatusOr<Events> ScoreRunDecider::Decide(const ScoreRun& run, const FailScoreRun& command) {
  if (IsUnknown(run)) return NoSuchRun();
  Events events;
  if (IsRunning(run)) events.emplace_back().mutable_failed()->set_reason(command.reason);
  return events;
}

}  // namespace crm::analytics
