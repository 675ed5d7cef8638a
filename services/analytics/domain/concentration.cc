#include "services/analytics/domain/concentration.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "services/analytics/domain/model_error.h"

namespace crm::analytics {
namespace {

std::vector<CustomerSales> ByAmount(std::span<const CustomerSales> customers) {
  std::vector<CustomerSales> sorted(customers.begin(), customers.end());
  std::sort(sorted.begin(), sorted.end(), [](const CustomerSales& a, const CustomerSales& b) {
    return std::tie(b.amount_minor, a.id) < std::tie(a.amount_minor, b.id);
  });
  return sorted;
}

// sums[k] = sales of the first k customers.
absl::StatusOr<std::vector<int64_t>> RunningSums(const std::vector<CustomerSales>& sorted) {
  std::vector<int64_t> sums{0};
  sums.reserve(sorted.size() + 1);
  for (const CustomerSales& customer : sorted) {
    int64_t sum = 0;
    if (__builtin_add_overflow(sums.back(), customer.amount_minor, &sum)) {
      return Malformed(kAmountOverflow,
                       "sales sum to more than 2^63 minor units; correct the orders");
    }
    sums.push_back(sum);
  }
  return sums;
}

ConcentrationPoint PointAt(const std::vector<int64_t>& sums, int32_t top_ppm) {
  const __int128 customers = static_cast<__int128>(sums.size() - 1) * top_ppm / kWholePpm;
  const auto count = static_cast<size_t>(customers);
  return {.top_ppm = top_ppm,
          .customers = static_cast<int64_t>(count),
          .amount_minor = sums[count],
          .share = static_cast<double>(sums[count]) / static_cast<double>(sums.back())};
}

}  // namespace

absl::StatusOr<std::vector<ConcentrationPoint>> Concentration(
    std::span<const CustomerSales> customers, std::span<const int32_t> tops_ppm) {
  for (const int32_t top : tops_ppm) {
    if (top < 0 || top > kWholePpm) {
      return Malformed(kInvalidFraction, "a fraction of customers is 0 to 1000000 millionths");
    }
  }
  if (customers.empty()) {
    return NoAnswer(kNoCustomers, "no customer bought; record orders first");
  }
  CRM_ASSIGN_OR_RETURN(const std::vector<int64_t> sums, RunningSums(ByAmount(customers)));
  if (sums.back() <= 0) {
    return NoAnswer(kNoSales, "the customers' sales together are not above zero");
  }
  std::vector<ConcentrationPoint> points;
  for (const int32_t top : tops_ppm) points.push_back(PointAt(sums, top));
  return points;
}

}  // namespace crm::analytics
