#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace crm::analytics {

// How far sales rest on few customers: the concentration (Lorenz) curve read from the top. Lorenz
// (1905), "Methods of Measuring the Concentration of Wealth", American Statistical Association
// 9:70. Pure; any thread; the order of the customers does not matter; the same input gives the same
// bits.

// Fractions of customers are counted in millionths, so that every count is exact.
inline constexpr int32_t kWholePpm = 1'000'000;

struct CustomerSales {
  // Breaks ties of equal amounts; unique.
  std::string_view id;
  int64_t amount_minor = 0;
};

struct ConcentrationPoint {
  // Of the customers, the highest amounts first.
  int32_t top_ppm = 0;
  // floor(n top_ppm / 10^6): the top 20 % of 2,377 are 475.
  int64_t customers = 0;
  // Their sales, and the share of all sales. The share is in [0, 1] when no amount is negative;
  // customers whom more was returned than they bought can bring it above 1 on the way.
  int64_t amount_minor = 0;
  double share = 0;
  bool operator==(const ConcentrationPoint&) const = default;
};

// A point for each of `tops_ppm`, in their order; customers by amount descending, then by id.
// INVALID_ARGUMENT: INVALID_FRACTION outside of [0, kWholePpm]; AMOUNT_OVERFLOW when a sum leaves
// int64. FAILED_PRECONDITION: NO_CUSTOMERS without any; NO_SALES when all sales together are not
// above zero.
absl::StatusOr<std::vector<ConcentrationPoint>> Concentration(
    std::span<const CustomerSales> customers, std::span<const int32_t> tops_ppm);

}  // namespace crm::analytics
