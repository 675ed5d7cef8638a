// Fits of the analytics models and the valuation of one customer, on customers simulated from
// published parameters, as many as CDNOW's sample has.
//
//   model_bench --benchmark_filter=Fit

#include <benchmark/benchmark.h>

#include "common/base/check.h"
#include "services/analytics/domain/value.h"
#include "tests/unit/services/analytics/model_customers.h"

namespace crm::analytics {
namespace {

constexpr int kCustomers = 2357;
constexpr double kWeeks = 39;
constexpr unsigned kSeed = 1997;
// Fader, Hardie and Lee (2005); Fader and Hardie (2013), in cents.
constexpr BgNbdParameters kPurchases{.243, 4.414, .793, 2.426};
constexpr GammaGammaParameters kSpend{6.25, 3.74, 1544};

void BM_FitBgNbd(benchmark::State& state) {
  std::mt19937_64 random(kSeed);
  const auto customers =
      SimulateHistories(kPurchases, static_cast<int>(state.range(0)), kWeeks, random);
  for (auto _ : state) {
    const auto fit = FitBgNbd(customers);
    CRM_CHECK(fit.ok());
    benchmark::DoNotOptimize(fit->log_likelihood);
  }
}
BENCHMARK(BM_FitBgNbd)->Arg(kCustomers)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_FitGammaGamma(benchmark::State& state) {
  std::mt19937_64 random(kSeed);
  const auto customers = SimulateSpends(kSpend, static_cast<int>(state.range(0)), 7, random);
  for (auto _ : state) {
    const auto fit = FitGammaGamma(customers);
    CRM_CHECK(fit.ok());
    benchmark::DoNotOptimize(fit->log_likelihood);
  }
}
BENCHMARK(BM_FitGammaGamma)->Arg(946)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_ValueCustomer(benchmark::State& state) {
  for (auto _ : state) {
    const auto value = ValueCustomer(kPurchases, kSpend, {2, 30.43, 38.86}, 2500,
                                     {.horizon_weeks = 52, .yearly_discount = .1});
    CRM_CHECK(value.ok());
    benchmark::DoNotOptimize(value->lifetime_value);
  }
}
BENCHMARK(BM_ValueCustomer)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace crm::analytics
