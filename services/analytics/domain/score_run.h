#pragma once

#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "crm/analytics/v1/analytics_events.pb.h"

namespace crm::analytics {

// Reasons of refusals.
inline constexpr std::string_view kScoreRunNotFound = "SCORE_RUN_NOT_FOUND";
inline constexpr std::string_view kScoreRunExists = "SCORE_RUN_EXISTS";

// One computation of scores. Only Evolve builds it.
struct ScoreRun {
  // As the API answers it, without name, etag and times. STATE_UNSPECIFIED: not started.
  v1::ScoreRun run;
  friend bool operator==(const ScoreRun& a, const ScoreRun& b) {
    return a.run.SerializeAsString() == b.run.SerializeAsString();
  }
};

// `content` has what the caller sets and nothing else.
struct StartScoreRun {
  v1::ScoreRun content;
};

// All contacts have the scores of the run.
struct CompleteScoreRun {
  v1::ScoresComputed computed;
};

struct FailScoreRun {
  std::string reason;
};

struct ScoreRunDecider {
  using State = ScoreRun;
  using Event = v1::ScoreRunEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State run, const Event& event);

  //              unknown                running            done, failed
  //   Start      ScoreRunStarted        SCORE_RUN_EXISTS   SCORE_RUN_EXISTS
  //   Complete   SCORE_RUN_NOT_FOUND    ScoresComputed     nothing
  //   Fail       SCORE_RUN_NOT_FOUND    ScoreRunFailed     nothing
  static absl::StatusOr<Events> Decide(const State& run, const StartScoreRun& command);
  static absl::StatusOr<Events> Decide(const State& run, const CompleteScoreRun& command);
  static absl::StatusOr<Events> Decide(const State& run, const FailScoreRun& command);
};

}  // namespace crm::analytics
