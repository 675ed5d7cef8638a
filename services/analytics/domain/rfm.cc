#include "services/analytics/domain/rfm.h"

#include <algorithm>
#include <vector>

#include "services/analytics/domain/model_error.h"
#include "services/analytics/domain/quantile.h"

namespace crm::analytics {
namespace {

constexpr int kClasses = 5;

template <typename Field>
Cuts CutsOf(std::span<const RfmInputs> customers, Field field, int64_t unit) {
  std::vector<int64_t> values;
  values.reserve(customers.size());
  for (const RfmInputs& customer : customers) values.push_back(customer.*field);
  std::sort(values.begin(), values.end());
  Cuts cuts;
  for (int i = 0; i + 1 < kClasses; ++i)
    cuts[i] = Quantile(values, i + 1, kClasses) + static_cast<double>(unit);
  return cuts;
}

int32_t ClassOf(const Cuts& cuts, double value) {
  const auto above =
      std::count_if(cuts.begin(), cuts.end(), [&](double cut) { return cut <= value; });
  return 1 + static_cast<int32_t>(above);
}

}  // namespace

absl::StatusOr<RfmCuts> CutRfm(std::span<const RfmInputs> customers, int64_t currency_unit_minor) {
  if (currency_unit_minor <= 0) {
    return Malformed(kInvalidCurrencyUnit, "a unit of a currency has one minor unit or more");
  }
  if (customers.empty()) {
    return NoAnswer(kNoCustomers,
                    "no customer bought up to the analysis date; record orders first");
  }
  return RfmCuts{.recency_days = CutsOf(customers, &RfmInputs::recency_days, 1),
                 .orders = CutsOf(customers, &RfmInputs::orders, 1),
                 .amount_minor = CutsOf(customers, &RfmInputs::amount_minor, currency_unit_minor)};
}

RfmScores ScoreRfm(const RfmCuts& cuts, const RfmInputs& customer) {
  return {.recency = kClasses + 1 - ClassOf(cuts.recency_days, customer.recency_days),
          .frequency = ClassOf(cuts.orders, customer.orders),
          .monetary = ClassOf(cuts.amount_minor, static_cast<double>(customer.amount_minor))};
}

}  // namespace crm::analytics
