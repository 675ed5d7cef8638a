#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "services/analytics/domain/purchases.h"

namespace crm::analytics {

// Scores of recency, frequency and monetary value by quintiles: Hughes (1994), "Strategic Database
// Marketing", with cut points recorded instead of ranks, so that equal customers get equal scores.
// Cuts and scores agree with those of the R package rfm (rsquaredacademy). Pure; any thread; the
// order of the customers does not matter; the same input gives the same bits.

// Ascending cut points between five classes.
using Cuts = std::array<double, 4>;

struct RfmCuts {
  Cuts recency_days{};
  Cuts orders{};
  Cuts amount_minor{};
  bool operator==(const RfmCuts&) const = default;
};

// Each 1 (low) to 5 (high).
struct RfmScores {
  int32_t recency = 0;
  int32_t frequency = 0;
  int32_t monetary = 0;
  // 100 recency + 10 frequency + monetary.
  int32_t Combined() const { return 100 * recency + 10 * frequency + monetary; }
  bool operator==(const RfmScores&) const = default;
};

// The quantiles (quantile.h) at .2, .4, .6 and .8 over the customers, each plus one unit: a day, an
// order, a unit of the currency. So who lies on a quantile of days or orders belongs below the cut.
// `currency_unit_minor`: minor units in a unit of the currency, 100 for USD, 1 for JPY; above zero.
// FAILED_PRECONDITION NO_CUSTOMERS without any. INVALID_ARGUMENT INVALID_CURRENCY_UNIT.
absl::StatusOr<RfmCuts> CutRfm(std::span<const RfmInputs> customers, int64_t currency_unit_minor);

// Class k holds [cut k - 1, cut k): a score is 1 + the cuts that are not above the value; recency
// is turned around, 5 is most recent. With the same cuts each score is monotone in its input: it
// does not fall with more orders or a higher amount and does not rise with more days.
RfmScores ScoreRfm(const RfmCuts& cuts, const RfmInputs& customer);

}  // namespace crm::analytics
