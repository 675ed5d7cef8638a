#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/simulation/plot.h"

namespace crm::simulation {

// What happened, over the runs of one plot.
struct SendTotals {
  int64_t consents = 0;
  int64_t decided = 0;
  int64_t refused = 0;
  // Refusals for want of consent.
  int64_t refused_by_consent = 0;
  int64_t handed_off = 0;
  int64_t cancelled = 0;

  void Add(const SendTotals& other);
  std::string ToString() const;
};

// What reached the channels in a run: by send, how often.
using Deliveries = std::map<std::string, int>;

struct SendCheckInput {
  // The contact topic, and the campaign service's own.
  const std::vector<ToldEvent>& contacts;
  const std::vector<ToldEvent>& own;
  const Deliveries& delivered;
  // At most so many sends stand for a contact; 0: no cap. All of a run lies in its window.
  int cap = 0;
};

// Holds a run against what the campaign service promises of sends. Consent is worked out anew, from
// all events of the contact topic below the position that a decision names.
std::vector<Finding> CheckSends(const SendCheckInput& input, SendTotals* totals);

}  // namespace crm::simulation
