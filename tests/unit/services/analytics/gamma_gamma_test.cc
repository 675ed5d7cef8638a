#include "services/analytics/domain/gamma_gamma.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "services/analytics/domain/model_error.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/analytics/mixture.h"
#include "tests/unit/services/analytics/model_customers.h"
#include "tests/unit/services/analytics/sample_data.h"

namespace crm::analytics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr GammaGammaParameters kSound{6.2, 3.7, 15.4};

GammaGammaParameters RandomParameters(std::mt19937_64& random) {
  return {LogUniform(random, .7, 10), LogUniform(random, 1.5, 8), LogUniform(random, 1, 1000)};
}

// Density of the mean of x purchases that are Gamma(p, rate) distributed each.
double Density(double p, const RepeatSpend& customer, double rate) {
  const double shape = p * customer.repeats;
  const double scaled = rate * customer.repeats;
  return std::exp(shape * std::log(scaled) + (shape - 1) * std::log(customer.mean) -
                  scaled * customer.mean - std::lgamma(shape));
}

TEST(GammaGamma, LogLikelihoodAgreesWithTheMixture) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 8; ++round) {
    const GammaGammaParameters g = RandomParameters(random);
    const auto customers = SimulateSpends(g, 10, 8, random);
    double sum = 0;
    for (const RepeatSpend& customer : customers) {
      sum += std::log(GammaMean(g.q, g.gamma, g.p * customer.repeats,
                                [&](double rate) { return Density(g.p, customer, rate); }));
    }
    EXPECT_NEAR(GammaGammaLogLikelihood(g, customers).value(), sum, 1e-6);
  }
}

TEST(GammaGamma, ExpectedSpendAgreesWithTheMixture) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 8; ++round) {
    const GammaGammaParameters g = RandomParameters(random);
    for (const RepeatSpend& customer : SimulateSpends(g, 5, 8, random)) {
      const double power = g.p * customer.repeats;
      const auto density = [&](double rate) { return Density(g.p, customer, rate); };
      const auto spend = [&](double rate) { return density(rate) * g.p / rate; };
      const double mixed =
          GammaMean(g.q, g.gamma, power, spend) / GammaMean(g.q, g.gamma, power, density);
      EXPECT_NEAR(ExpectedSpend(g, customer).value() / mixed, 1, 1e-7);
    }
  }
}

TEST(GammaGamma, ExpectedSpendLiesBetweenTheOwnMeanAndThePopulations) {
  const double population = ExpectedSpend(kSound, {0, 0}).value();
  EXPECT_DOUBLE_EQ(population, 6.2 * 15.4 / 2.7);
  double before = population;
  for (int repeats = 1; repeats < 10'000; repeats *= 3) {
    const double spend = ExpectedSpend(kSound, {repeats, 100}).value();
    EXPECT_GT(spend, before);
    EXPECT_LT(spend, 100);
    before = spend;
  }
  EXPECT_EQ(ExpectedSpend(kSound, {3, -5}).value(), ExpectedSpend(kSound, {3, 0}).value());
}

double LikelihoodNear(const GammaGammaParameters& g, const std::vector<double>& logs,
                      std::span<const RepeatSpend> customers) {
  return GammaGammaLogLikelihood(
             {g.p * std::exp(logs[0]), g.q * std::exp(logs[1]), g.gamma * std::exp(logs[2])},
             customers)
      .value();
}

void ExpectMaximum(const GammaGammaFit& fit, std::span<const RepeatSpend> customers,
                   std::mt19937_64& random) {
  const GammaGammaParameters& g = fit.parameters;
  EXPECT_EQ(fit.log_likelihood, GammaGammaLogLikelihood(g, customers).value());
  for (int i = 0; i < 3; ++i) {
    std::vector<double> above(3);
    std::vector<double> below(3);
    above[i] = 1e-4;
    below[i] = -1e-4;
    const double slope =
        (LikelihoodNear(g, above, customers) - LikelihoodNear(g, below, customers)) / 2e-4;
    EXPECT_NEAR(slope, 0, 1e-8 * std::abs(fit.log_likelihood) + 1e-4) << i;
  }
  for (int i = 0; i < 300; ++i) {
    std::vector<double> logs;
    const double reach = LogUniform(random, 1e-3, 2);
    for (int k = 0; k < 3; ++k) logs.push_back((2 * Uniform(random) - 1) * reach);
    EXPECT_LE(LikelihoodNear(g, logs, customers), fit.log_likelihood + 1e-8);
  }
}

TEST(GammaGammaFit, IsTheMaximumForSimulatedCustomers) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 4; ++round) {
    const GammaGammaParameters truth{LogUniform(random, 2, 8), LogUniform(random, 2, 5),
                                     LogUniform(random, 1, 10'000)};
    const auto customers = SimulateSpends(truth, 1500, 8, random);
    const auto fit = FitGammaGamma(customers);
    ASSERT_TRUE(fit.ok()) << fit.status();
    EXPECT_EQ(fit->customers, 1500);
    EXPECT_GE(fit->log_likelihood, GammaGammaLogLikelihood(truth, customers).value());
    ExpectMaximum(*fit, customers, random);
  }
}

TEST(GammaGammaFit, IsTheMaximumForResamplesOfRealCustomers) {
  std::mt19937_64 random(TestSeed());
  std::vector<RepeatSpend> all;
  for (const auto& [id, summary] : SummariesOf(CompleteJourneyBaskets(), DayOf("2017-12-31"))) {
    all.push_back({summary.history.repeats, summary.mean_spend_minor});
  }
  for (int round = 0; round < 3; ++round) {
    std::vector<RepeatSpend> customers;
    for (size_t i = 0; i < 800; ++i) customers.push_back(all[random() % all.size()]);
    const auto fit = FitGammaGamma(customers);
    ASSERT_TRUE(fit.ok()) << fit.status();
    ExpectMaximum(*fit, customers, random);
  }
}

TEST(GammaGammaFit, RepeatsToTheBitInAnyOrder) {
  std::mt19937_64 random(TestSeed());
  auto customers = SimulateSpends(kSound, 1000, 8, random);
  const auto first = FitGammaGamma(customers);
  ASSERT_TRUE(first.ok()) << first.status();
  std::shuffle(customers.begin(), customers.end(), random);
  const auto second = FitGammaGamma(customers);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->parameters, second->parameters);
  EXPECT_EQ(std::bit_cast<uint64_t>(first->log_likelihood),
            std::bit_cast<uint64_t>(second->log_likelihood));
}

TEST(GammaGammaFit, CustomersWithoutRepeatsOrSpendSayNothing) {
  std::mt19937_64 random(TestSeed());
  auto customers = SimulateSpends(kSound, 1000, 8, random);
  const auto alone = FitGammaGamma(customers);
  customers.push_back({0, 0});
  customers.push_back({2, 0});
  customers.push_back({1, -3});
  const auto among = FitGammaGamma(customers);
  ASSERT_TRUE(alone.ok() && among.ok());
  EXPECT_EQ(alone->parameters, among->parameters);
  EXPECT_EQ(among->customers, 1000);
}

std::string FitRefusal(const std::vector<RepeatSpend>& customers) {
  return ReasonOf(FitGammaGamma(customers).status());
}

TEST(GammaGammaFit, CustomersWithoutAnAnswerAreRefused) {
  EXPECT_EQ(FitRefusal({}), kNoCustomers);
  EXPECT_EQ(FitRefusal({{0, 0}, {0, 0}}), kNoRepeats);
  EXPECT_EQ(FitRefusal({{2, 0}, {1, -4}, {0, 0}}), kNoSpend);
  EXPECT_EQ(FitRefusal({{3, 12.5}}), kDegenerateFit);
  EXPECT_EQ(FitRefusal(std::vector<RepeatSpend>(500, {3, 12.5})), kDegenerateFit);
  EXPECT_EQ(FitRefusal({{1, 1e-300}, {1, 1e300}}), kDegenerateFit);
  EXPECT_EQ(FitGammaGamma({}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(GammaGammaFit, SpendWithoutAMeanIsRefused) {
  std::mt19937_64 random(TestSeed());
  EXPECT_EQ(FitRefusal(SimulateSpends({3, .5, 10}, 3000, 8, random)), kNoMeanSpend);
}

TEST(GammaGammaFit, SmallSamplesAreFittedOrRefused) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 300; ++round) {
    const auto fit =
        FitGammaGamma(SimulateSpends(RandomParameters(random), 1 + round % 12, 8, random));
    if (!fit.ok()) {
      EXPECT_THAT(ReasonOf(fit.status()), ::testing::AnyOf(kDegenerateFit, kNoMeanSpend));
      continue;
    }
    EXPECT_TRUE(std::isfinite(fit->log_likelihood));
    EXPECT_TRUE(ExpectedSpend(fit->parameters, {0, 0}).ok());
  }
}

TEST(GammaGamma, MalformedInputIsRefused) {
  for (const double bad : {0.0, -1.0, kNan, kInfinity}) {
    EXPECT_EQ(ReasonOf(ExpectedSpend({bad, 2, 3}, {}).status()), kInvalidParameters);
    EXPECT_EQ(ReasonOf(ExpectedSpend({2, bad, 3}, {}).status()), kInvalidParameters);
    EXPECT_EQ(ReasonOf(GammaGammaLogLikelihood({2, 2, bad}, {{{1, 2}}}).status()),
              kInvalidParameters);
  }
  for (const RepeatSpend& bad :
       {RepeatSpend{-1, 2}, RepeatSpend{2, kNan}, RepeatSpend{2, kInfinity}}) {
    EXPECT_EQ(FitRefusal({{1, 2}, bad}), kInvalidSpend);
    EXPECT_EQ(ReasonOf(ExpectedSpend(kSound, bad).status()), kInvalidSpend);
  }
  EXPECT_EQ(ReasonOf(ExpectedSpend({2, .9, 3}, {0, 0}).status()), kNoMeanSpend);
}

}  // namespace
}  // namespace crm::analytics
