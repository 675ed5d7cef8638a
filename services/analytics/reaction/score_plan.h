#pragma once

#include <deque>
#include <string>

#include "absl/status/statusor.h"
#include "common/projection/projection.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/analytics/domain/scoring.h"

namespace crm::analytics {

// What is left to record of one run.
struct ScorePlan {
  // Contacts whose scores the run changes, by partition and id.
  std::deque<ScoredCustomer> to_score;
  // How the run ends; `changed` counts the contacts above and those the run has scored already.
  v1::ScoresComputed computed;
};

// Where a plan is made from.
struct ScorePlanSource {
  std::string tenant;
  // The core's rows: the scores that contacts have.
  const RowReader& core;
  // The rows of OrderFacts.
  const RowReader& facts;
};

// Computes `run` and compares with the scores of now. Contacts that lost their orders lose their
// scores. Contacts that the run has scored already, before a crash, keep what it gave them. The
// same rows give the same plan. FAILED_PRECONDITION: the run fails for this reason. Other errors:
// rows could not be read.
absl::StatusOr<ScorePlan> MakeScorePlan(const v1::ScoreRun& run, const ScorePlanSource& source);

}  // namespace crm::analytics
