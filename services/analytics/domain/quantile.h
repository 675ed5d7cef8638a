#pragma once

#include <cstdint>
#include <span>

namespace crm::analytics {

// The quantile of type 7 of Hyndman and Fan (1996), "Sample Quantiles in Statistical Packages", The
// American Statistician 50:4, at the fraction numerator / denominator in [0, 1]: linear between the
// two order statistics around position (n - 1) numerator / denominator, counted from 0. The
// position is computed in integers, so it is exact. `ascending` is sorted and not empty; 0 <=
// numerator <= denominator, denominator > 0: anything else is a fault of the caller and stops the
// process. Pure; any thread; the same input gives the same bits.
double Quantile(std::span<const int64_t> ascending, int64_t numerator, int64_t denominator);

}  // namespace crm::analytics
