#include "services/analytics/domain/quantile.h"

#include "common/base/check.h"

namespace crm::analytics {

double Quantile(std::span<const int64_t> ascending, int64_t numerator, int64_t denominator) {
  CRM_CHECK(!ascending.empty());
  CRM_CHECK(denominator > 0 && numerator >= 0 && numerator <= denominator);
  const __int128 scaled = static_cast<__int128>(ascending.size() - 1) * numerator;
  const auto index = static_cast<size_t>(scaled / denominator);
  const auto rest = static_cast<double>(static_cast<int64_t>(scaled % denominator));
  const auto low = static_cast<double>(ascending[index]);
  if (rest == 0) return low;
  const double step = static_cast<double>(ascending[index + 1]) - low;
  return low + step * rest / static_cast<double>(denominator);
}

}  // namespace crm::analytics
