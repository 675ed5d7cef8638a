#include "services/analytics/domain/purchases.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "services/analytics/domain/model_error.h"

namespace crm::analytics {
namespace {

constexpr double kDaysPerWeek = 7;

bool IsDay(int32_t day) {
  return day >= kFirstDay && day <= kLastDay;
}

// Days with a purchase, ascending, each once.
std::vector<int32_t> PurchaseDays(std::span<const DatedAmount> orders, int32_t analysis_day) {
  std::vector<int32_t> days;
  for (const DatedAmount& order : orders) {
    if (order.amount_minor >= 0 && order.day <= analysis_day) days.push_back(order.day);
  }
  std::sort(days.begin(), days.end());
  days.erase(std::unique(days.begin(), days.end()), days.end());
  return days;
}

int32_t CountPurchases(std::span<const DatedAmount> orders, int32_t analysis_day) {
  const auto count = std::count_if(orders.begin(), orders.end(), [&](const DatedAmount& order) {
    return order.amount_minor >= 0 && order.day <= analysis_day;
  });
  return static_cast<int32_t>(count);
}

// Of the orders after day `after`, up to the analysis day. The sum is exact in every order.
absl::StatusOr<int64_t> Spend(std::span<const DatedAmount> orders, int32_t after,
                              int32_t analysis_day) {
  __int128 sum = 0;
  for (const DatedAmount& order : orders) {
    if (order.day > after && order.day <= analysis_day) sum += order.amount_minor;
  }
  if (sum > std::numeric_limits<int64_t>::max() || sum < std::numeric_limits<int64_t>::min()) {
    return Malformed(kAmountOverflow,
                     "the customer's orders sum to more than 2^63 minor units; correct them");
  }
  return static_cast<int64_t>(sum);
}

PurchaseHistory HistoryOf(const std::vector<int32_t>& days, int32_t analysis_day) {
  return {.repeats = static_cast<int32_t>(days.size()) - 1,
          .last_weeks = (days.back() - days.front()) / kDaysPerWeek,
          .observed_weeks = (analysis_day - days.front()) / kDaysPerWeek};
}

}  // namespace

absl::StatusOr<std::optional<PurchaseSummary>> Summarise(std::span<const DatedAmount> orders,
                                                         int32_t analysis_day) {
  const bool sound = std::all_of(orders.begin(), orders.end(),
                                 [](const DatedAmount& order) { return IsDay(order.day); });
  if (!sound || !IsDay(analysis_day)) {
    return Malformed(kInvalidDay, "days are counted from 1970-01-01, within the years 1 to 9999");
  }
  const std::vector<int32_t> days = PurchaseDays(orders, analysis_day);
  if (days.empty()) return std::nullopt;
  PurchaseSummary summary;
  CRM_ASSIGN_OR_RETURN(const int64_t amount, Spend(orders, kFirstDay - 1, analysis_day));
  summary.rfm = {.recency_days = analysis_day - days.back(),
                 .orders = CountPurchases(orders, analysis_day),
                 .amount_minor = amount};
  summary.history = HistoryOf(days, analysis_day);
  if (summary.history.repeats > 0) {
    CRM_ASSIGN_OR_RETURN(const int64_t repeat_spend, Spend(orders, days.front(), analysis_day));
    summary.mean_spend_minor = static_cast<double>(repeat_spend) / summary.history.repeats;
  }
  return summary;
}

}  // namespace crm::analytics
