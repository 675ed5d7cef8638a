#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/analytics/domain/purchases.h"

namespace crm::analytics {

// A customer of the orders that count.
struct Customer {
  // The contact's.
  std::string id;
  PurchaseSummary summary;
};

struct ScoredCustomer {
  std::string id;
  v1::ContactScored scores;
};

// What a run over some customers gives.
struct Scoring {
  // Cuts or parameters, and the number of customers; nothing else is set.
  v1::ScoresComputed computed;
  // In the order of the customers.
  std::vector<ScoredCustomer> customers;
};

inline constexpr double kDefaultHorizonWeeks = 52;

// The scores that `run` (its name, model, currency's unit and terms) gives the customers. Pure; any
// thread; the order of the customers does not change a bit of any score. All numbers are finite.
// FAILED_PRECONDITION with a reason of model_error.h where the customers give the model no answer.
absl::StatusOr<Scoring> ComputeScores(const v1::ScoreRun& run, std::span<const Customer> customers);

// The scores a run gives a contact that is no customer: nothing but the run's name.
v1::ContactScored NoScores(const v1::ScoreRun& run);

}  // namespace crm::analytics
