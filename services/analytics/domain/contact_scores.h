#pragma once

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "crm/analytics/v1/analytics_events.pb.h"

namespace crm::analytics {

// Scores mean the same: all values are equal to the bit, whichever runs computed them.
bool SameValues(const v1::RfmScore& a, const v1::RfmScore& b);
bool SameValues(const v1::ValueScore& a, const v1::ValueScore& b);

// The latest scores of one contact. Only Evolve builds it.
struct ContactScores {
  // Nothing set where no run has scored the contact.
  v1::RfmScore rfm;
  v1::ValueScore value;
  // For good: no scores are kept any more.
  bool erased = false;
  friend bool operator==(const ContactScores& a, const ContactScores& b);
};

// A run's scores of one model, with the run's name.
struct ScoreContact {
  v1::ContactScored scores;
};

struct ContactScoresDecider {
  using State = ContactScores;
  using Event = v1::ScoreEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State scores, const Event& event);

  //                  equal values    other values     erased
  //   ScoreContact   nothing         ContactScored    nothing
  static absl::StatusOr<Events> Decide(const State& scores, const ScoreContact& command);
};

}  // namespace crm::analytics
