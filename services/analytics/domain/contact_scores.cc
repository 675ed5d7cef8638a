#include "services/analytics/domain/contact_scores.h"

#include "common/decider/decider.h"

namespace crm::analytics {

static_assert(DeciderOf<ContactScoresDecider, ScoreContact>);

namespace {

using Events = ContactScoresDecider::Events;
using v1::ContactScored;
using v1::ScoreEvent;

// The wire form of these messages is a function of their values: they hold numbers and strings
// alone.
template <typename Score>
bool SameWithoutRun(Score a, Score b) {
  a.clear_run();
  b.clear_run();
  return a.SerializeAsString() == b.SerializeAsString();
}

bool IsNews(const ContactScores& now, const ContactScored& scored) {
  switch (scored.scores_case()) {
    case ContactScored::kRfm:
      return !SameValues(now.rfm, scored.rfm());
    case ContactScored::kValue:
      return !SameValues(now.value, scored.value());
    case ContactScored::SCORES_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace

bool SameValues(const v1::RfmScore& a, const v1::RfmScore& b) {
  return SameWithoutRun(a, b);
}

bool SameValues(const v1::ValueScore& a, const v1::ValueScore& b) {
  return SameWithoutRun(a, b);
}

bool operator==(const ContactScores& a, const ContactScores& b) {
  return a.erased == b.erased && a.rfm.SerializeAsString() == b.rfm.SerializeAsString() &&
         a.value.SerializeAsString() == b.value.SerializeAsString();
}

ContactScores ContactScoresDecider::Evolve(ContactScores scores, const ScoreEvent& event) {
  if (scores.erased) return scores;
  if (event.has_erased()) return {.erased = true};
  if (!event.has_scored()) return scores;
  if (event.scored().has_rfm()) scores.rfm = event.scored().rfm();
  if (event.scored().has_value()) scores.value = event.scored().value();
  return scores;
}

absl::StatusOr<Events> ContactScoresDecider::Decide(const ContactScores& scores,
                                                    const ScoreContact& command) {
  Events events;
  if (scores.erased || !IsNews(scores, command.scores)) return events;
  *events.emplace_back().mutable_scored() = command.scores;
  return events;
}

}  // namespace crm::analytics
