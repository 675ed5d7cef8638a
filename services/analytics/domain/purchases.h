#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"

namespace crm::analytics {

// The models' inputs out of one customer's orders. Pure; any thread; the order of the orders does
// not matter.

// Days from 1970-01-01 that a date may have: years 1 to 9999.
inline constexpr int32_t kFirstDay = -719'162;
inline constexpr int32_t kLastDay = 2'932'896;

// An order of one customer; a negative amount is a return.
struct DatedAmount {
  // From 1970-01-01.
  int32_t day = 0;
  // Of one currency for all orders.
  int64_t amount_minor = 0;
};

// Recency, frequency and monetary value, as rfm.h scores them.
struct RfmInputs {
  // From the last purchase to the analysis day, not negative.
  int32_t recency_days = 0;
  // Purchases, not days with one; at least 1.
  int32_t orders = 0;
  // Of all orders, less returns.
  int64_t amount_minor = 0;
  bool operator==(const RfmInputs&) const = default;
};

// When a customer bought, as Fader, Hardie and Lee (2005) count it: purchases of one day are one,
// and the first is the start. Weeks are days / 7, no day is added.
struct PurchaseHistory {
  // x: days with a purchase after the first, not negative.
  int32_t repeats = 0;
  // t_x: from the first purchase to the last, 0 without repeats, else in (0, observed_weeks].
  double last_weeks = 0;
  // T: from the first purchase to the analysis day, not negative.
  double observed_weeks = 0;
  bool operator==(const PurchaseHistory&) const = default;
};

struct PurchaseSummary {
  RfmInputs rfm;
  PurchaseHistory history;
  // Mean spend of the repeat days: what was spent, less returns, after the day of the first
  // purchase, divided by the repeats; 0 without repeats. In minor units; negative where more was
  // returned.
  double mean_spend_minor = 0;
};

// The customer as of the end of `analysis_day`; later orders do not count. A purchase is an order
// whose amount is not negative. A return changes amounts only: it is no purchase, and without any
// purchase there is no customer, so the answer is nullopt. INVALID_ARGUMENT: INVALID_DAY outside of
// [kFirstDay, kLastDay]; AMOUNT_OVERFLOW when the sum leaves int64.
absl::StatusOr<std::optional<PurchaseSummary>> Summarise(std::span<const DatedAmount> orders,
                                                         int32_t analysis_day);

}  // namespace crm::analytics
