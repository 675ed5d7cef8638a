#include "tests/unit/services/analytics/model_customers.h"

#include <cmath>

namespace crm::analytics {
namespace {

double Gamma(double shape, double rate, std::mt19937_64& random) {
  return std::gamma_distribution<double>(shape, 1 / rate)(random);
}

double Beta(double a, double b, std::mt19937_64& random) {
  const double x = Gamma(a, 1, random);
  const double y = Gamma(b, 1, random);
  return x + y > 0 ? x / (x + y) : 0.5;
}

}  // namespace

double Uniform(std::mt19937_64& random) {
  return std::ldexp(static_cast<double>(random() >> 11), -53);
}

double LogUniform(std::mt19937_64& random, double low, double high) {
  return low * std::pow(high / low, Uniform(random));
}

PurchaseHistory SimulateHistory(double rate, double leaves, double weeks, std::mt19937_64& random) {
  PurchaseHistory history{.observed_weeks = weeks};
  double time = 0;
  while (rate > 0) {
    time -= std::log1p(-Uniform(random)) / rate;
    if (time <= history.last_weeks || time > weeks) break;
    history.repeats += 1;
    history.last_weeks = time;
    if (Uniform(random) < leaves) break;
  }
  return history;
}

std::vector<PurchaseHistory> SimulateHistories(const BgNbdParameters& parameters, int customers,
                                               double weeks, std::mt19937_64& random) {
  std::vector<PurchaseHistory> histories;
  for (int i = 0; i < customers; ++i) {
    const double rate = Gamma(parameters.r, parameters.alpha, random);
    const double leaves = Beta(parameters.a, parameters.b, random);
    const double observed = 1 + (weeks - 1) * Uniform(random);
    histories.push_back(SimulateHistory(rate, leaves, observed, random));
  }
  return histories;
}

std::vector<RepeatSpend> SimulateSpends(const GammaGammaParameters& parameters, int customers,
                                        int most_repeats, std::mt19937_64& random) {
  std::vector<RepeatSpend> spends;
  for (int i = 0; i < customers; ++i) {
    const double rate = Gamma(parameters.q, parameters.gamma, random);
    const int repeats = 1 + static_cast<int>(Uniform(random) * most_repeats);
    double sum = 0;
    for (int k = 0; k < repeats; ++k) sum += Gamma(parameters.p, rate, random);
    spends.push_back({repeats, sum / repeats});
  }
  return spends;
}

}  // namespace crm::analytics
