#include "services/analytics/domain/bgnbd.h"

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
constexpr BgNbdParameters kSound{.25, 4.4, .8, 2.4};

BgNbdParameters RandomParameters(std::mt19937_64& random) {
  return {LogUniform(random, .2, 3), LogUniform(random, 1, 15), LogUniform(random, .3, 3),
          LogUniform(random, .5, 6)};
}

// The model as it is told: what the history is worth to a customer of one rate and one probability.
double AliveLikelihood(const PurchaseHistory& h, double rate, double leaves) {
  return std::pow(1 - leaves, h.repeats) * std::pow(rate, h.repeats) *
         std::exp(-rate * h.observed_weeks);
}
double GoneLikelihood(const PurchaseHistory& h, double rate, double leaves) {
  if (h.repeats == 0) return 0;
  return leaves * std::pow(1 - leaves, h.repeats - 1) * std::pow(rate, h.repeats) *
         std::exp(-rate * h.last_weeks);
}

// E[f(rate, probability)] over both mixing distributions, where f holds rate^repeats.
double Mixed(const BgNbdParameters& p, int repeats,
             const std::function<double(double, double)>& f) {
  return BetaMean(p.a, p.b, [&](double leaves) {
    return GammaMean(p.r, p.alpha, repeats, [&](double rate) { return f(rate, leaves); });
  });
}

// Expected purchases in a time of a living customer: (1 - e^(-rate p t)) / p.
double PurchasesWhile(double rate, double leaves, double weeks) {
  const double x = rate * leaves * weeks;
  return x < 1e-8 ? rate * weeks : -std::expm1(-x) / leaves;
}

TEST(BgNbd, LogLikelihoodAgreesWithTheMixture) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 10; ++round) {
    const BgNbdParameters p = RandomParameters(random);
    for (const PurchaseHistory& h : SimulateHistories(p, 3, 60, random)) {
      const double mixed = Mixed(p, h.repeats, [&](double rate, double leaves) {
        return AliveLikelihood(h, rate, leaves) + GoneLikelihood(h, rate, leaves);
      });
      EXPECT_NEAR(BgNbdLogLikelihood(p, {{h}}).value(), std::log(mixed), 1e-6);
    }
  }
}

TEST(BgNbd, AliveProbabilityAgreesWithTheMixture) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 10; ++round) {
    const BgNbdParameters p = RandomParameters(random);
    for (const PurchaseHistory& h : SimulateHistories(p, 3, 60, random)) {
      const auto alive = [&](double rate, double q) { return AliveLikelihood(h, rate, q); };
      const auto gone = [&](double rate, double q) { return GoneLikelihood(h, rate, q); };
      const double living = Mixed(p, h.repeats, alive);
      EXPECT_NEAR(AliveProbability(p, h).value(), living / (living + Mixed(p, h.repeats, gone)),
                  1e-6);
    }
  }
}

TEST(BgNbd, ExpectedPurchasesAgreeWithTheMixture) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 40; ++round) {
    const BgNbdParameters p = RandomParameters(random);
    const double weeks = LogUniform(random, .01, 500);
    const double mixed = Mixed(
        p, 0, [&](double rate, double leaves) { return PurchasesWhile(rate, leaves, weeks); });
    EXPECT_NEAR(ExpectedPurchases(p, weeks).value() / mixed, 1, 1e-6) << weeks;
  }
}

TEST(BgNbd, FuturePurchasesAgreeWithTheMixture) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 10; ++round) {
    const BgNbdParameters p = RandomParameters(random);
    const double weeks = LogUniform(random, .1, 200);
    for (const PurchaseHistory& h : SimulateHistories(p, 3, 60, random)) {
      const double above = Mixed(p, h.repeats, [&](double rate, double leaves) {
        return AliveLikelihood(h, rate, leaves) * PurchasesWhile(rate, leaves, weeks);
      });
      const double below = Mixed(p, h.repeats, [&](double rate, double leaves) {
        return AliveLikelihood(h, rate, leaves) + GoneLikelihood(h, rate, leaves);
      });
      EXPECT_NEAR(ExpectedFuturePurchases(p, h, weeks).value() * below / above, 1, 1e-6);
    }
  }
}

// Equation 9 as printed, by the plain series of 2F1.
double PrintedExpectedPurchases(const BgNbdParameters& p, double weeks) {
  const double z = weeks / (p.alpha + weeks);
  double term = 1;
  double sum = 1;
  for (double n = 0; std::abs(term) > 1e-18 * std::abs(sum); ++n) {
    term *= (p.r + n) * (p.b + n) / ((p.a + p.b - 1 + n) * (n + 1)) * z;
    sum += term;
  }
  return (p.a + p.b - 1) / (p.a - 1) * (1 - std::pow(1 - z, p.r) * sum);
}

TEST(BgNbd, ExpectedPurchasesAgreeWithThePrintedFormula) {
  for (const BgNbdParameters& p :
       {kSound, BgNbdParameters{3, 2, 1.5, .7}, BgNbdParameters{.5, 10, 3, 8}}) {
    for (const double weeks : {.5, 10.0, 100.0}) {
      EXPECT_NEAR(ExpectedPurchases(p, weeks).value() / PrintedExpectedPurchases(p, weeks), 1,
                  1e-9);
    }
  }
}

TEST(BgNbd, ExpectedPurchasesStandWhereThePrintedFormulaFails) {
  // a = 1, a + b = 1, and chances too small for a double.
  for (const BgNbdParameters& p : {BgNbdParameters{.5, 4, 1, 2}, BgNbdParameters{.5, 4, .4, .6},
                                   BgNbdParameters{900, 40, .7, 900}}) {
    const auto purchases = [](double rate, double q) { return PurchasesWhile(rate, q, 60); };
    EXPECT_NEAR(ExpectedPurchases(p, 60).value() / Mixed(p, 0, purchases), 1, 1e-6);
  }
  // Nobody leaves: r t / alpha; everybody after one repeat: P(one or more).
  EXPECT_NEAR(ExpectedPurchases({2, 4, 1e-6, 1e6}, 60).value(), 30, 1e-6);
  EXPECT_NEAR(ExpectedPurchases({2, 4, 1e6, 1e-6}, 60).value(), 1 - std::pow(4 / 64.0, 2), 1e-9);
}

TEST(BgNbd, ExpectedPurchasesGrowWithTime) {
  double before = 0;
  EXPECT_EQ(ExpectedPurchases(kSound, 0).value(), 0);
  for (double weeks = 1e-9; weeks < 1e5; weeks *= 3) {
    const double purchases = ExpectedPurchases(kSound, weeks).value();
    EXPECT_GT(purchases, before);
    EXPECT_TRUE(std::isfinite(purchases));
    before = purchases;
  }
}

TEST(BgNbd, AliveProbabilityFallsWithSilence) {
  double before = 1;
  for (double weeks = 10; weeks < 1e4; weeks *= 1.5) {
    const double alive = AliveProbability(kSound, {5, 10, weeks}).value();
    EXPECT_LT(alive, before);
    before = alive;
  }
  EXPECT_EQ(AliveProbability(kSound, {0, 0, 1000}).value(), 1);
  // Beyond what a double tells from zero.
  EXPECT_EQ(AliveProbability(kSound, {100'000, 1, 3000}).value(), 0);
}

double LikelihoodNear(const BgNbdParameters& p, const std::vector<double>& logs,
                      std::span<const PurchaseHistory> customers) {
  return BgNbdLogLikelihood({p.r * std::exp(logs[0]), p.alpha * std::exp(logs[1]),
                             p.a * std::exp(logs[2]), p.b * std::exp(logs[3])},
                            customers)
      .value();
}

void ExpectMaximum(const BgNbdFit& fit, std::span<const PurchaseHistory> customers,
                   std::mt19937_64& random) {
  const BgNbdParameters& p = fit.parameters;
  // Where all leave with one probability the likelihood still rises a little beyond the bounds.
  const double edge = p.a + p.b > 1e4 ? .01 : 0;
  EXPECT_EQ(fit.log_likelihood, BgNbdLogLikelihood(p, customers).value());
  for (int i = 0; i < 4; ++i) {
    std::vector<double> above(4);
    std::vector<double> below(4);
    above[i] = 1e-4;
    below[i] = -1e-4;
    const double slope =
        (LikelihoodNear(p, above, customers) - LikelihoodNear(p, below, customers)) / 2e-4;
    // A difference of values of this size is exact to about 10^-8 of it.
    EXPECT_NEAR(slope, 0, 1e-8 * std::abs(fit.log_likelihood) + 1e-4 + edge) << i;
  }
  for (int i = 0; i < 300; ++i) {
    std::vector<double> logs;
    const double reach = LogUniform(random, 1e-3, 2);
    for (int k = 0; k < 4; ++k) logs.push_back((2 * Uniform(random) - 1) * reach);
    EXPECT_LE(LikelihoodNear(p, logs, customers), fit.log_likelihood + 1e-9 + edge);
  }
}

TEST(BgNbdFit, IsTheMaximumForSimulatedCustomers) {
  std::mt19937_64 random(TestSeed());
  int fitted = 0;
  for (int round = 0; round < 8; ++round) {
    const BgNbdParameters truth{LogUniform(random, .3, 2), LogUniform(random, 2, 8),
                                LogUniform(random, .5, 1.5), LogUniform(random, 1, 4)};
    const auto customers = SimulateHistories(truth, 1500, 70, random);
    const auto fit = FitBgNbd(customers);
    if (!fit.ok()) {
      EXPECT_EQ(ReasonOf(fit.status()), kDegenerateFit);
      continue;
    }
    fitted += 1;
    EXPECT_GE(fit->log_likelihood, BgNbdLogLikelihood(truth, customers).value());
    ExpectMaximum(*fit, customers, random);
  }
  EXPECT_GE(fitted, 6);
}

TEST(BgNbdFit, IsTheMaximumForResamplesOfRealCustomers) {
  std::mt19937_64 random(TestSeed());
  std::vector<PurchaseHistory> all;
  for (const auto& [id, summary] : SummariesOf(CompleteJourneyBaskets(), DayOf("2017-12-31"))) {
    all.push_back(summary.history);
  }
  for (int round = 0; round < 3; ++round) {
    std::vector<PurchaseHistory> customers;
    for (size_t i = 0; i < 800; ++i) customers.push_back(all[random() % all.size()]);
    const auto fit = FitBgNbd(customers);
    ASSERT_TRUE(fit.ok()) << fit.status();
    ExpectMaximum(*fit, customers, random);
  }
}

TEST(BgNbdFit, FindsTheParametersOfManyCustomers) {
  std::mt19937_64 random(TestSeed());
  const BgNbdParameters truth{.8, 5, .9, 2.5};
  const auto fit = FitBgNbd(SimulateHistories(truth, 40'000, 80, random));
  ASSERT_TRUE(fit.ok()) << fit.status();
  EXPECT_NEAR(std::log(fit->parameters.r / truth.r), 0, .25);
  EXPECT_NEAR(std::log(fit->parameters.alpha / truth.alpha), 0, .25);
  EXPECT_NEAR(std::log(fit->parameters.a / truth.a), 0, .5);
  EXPECT_NEAR(std::log(fit->parameters.b / truth.b), 0, .5);
}

bool SameBits(const BgNbdFit& a, const BgNbdFit& b) {
  const auto bits = [](const BgNbdFit& fit) {
    const BgNbdParameters& p = fit.parameters;
    std::vector<uint64_t> all;
    for (const double x : {p.r, p.alpha, p.a, p.b, fit.log_likelihood}) {
      all.push_back(std::bit_cast<uint64_t>(x));
    }
    return all;
  };
  return bits(a) == bits(b);
}

TEST(BgNbdFit, RepeatsToTheBitInAnyOrder) {
  std::mt19937_64 random(TestSeed());
  auto customers = SimulateHistories({.8, 5, .9, 2.5}, 1500, 60, random);
  const auto first = FitBgNbd(customers);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(SameBits(*first, FitBgNbd(customers).value()));
  std::shuffle(customers.begin(), customers.end(), random);
  EXPECT_TRUE(SameBits(*first, FitBgNbd(customers).value()));
}

TEST(BgNbdFit, TheUnitOfTimeScalesAlphaAlone) {
  std::mt19937_64 random(TestSeed());
  auto customers = SimulateHistories({.8, 5, .9, 2.5}, 1500, 60, random);
  const auto weeks = FitBgNbd(customers);
  for (PurchaseHistory& history : customers) {
    history.last_weeks *= 7;
    history.observed_weeks *= 7;
  }
  const auto days = FitBgNbd(customers);
  ASSERT_TRUE(weeks.ok() && days.ok());
  EXPECT_NEAR(days->parameters.alpha / weeks->parameters.alpha, 7, 1e-4);
  EXPECT_NEAR(days->parameters.r / weeks->parameters.r, 1, 1e-5);
  EXPECT_NEAR(days->parameters.a / weeks->parameters.a, 1, 1e-5);
}

std::string FitRefusal(const std::vector<PurchaseHistory>& customers) {
  return ReasonOf(FitBgNbd(customers).status());
}

TEST(BgNbdFit, CustomersWithoutAnAnswerAreRefused) {
  EXPECT_EQ(FitRefusal({}), kNoCustomers);
  EXPECT_EQ(FitRefusal({{0, 0, 10}, {0, 0, 20}}), kNoRepeats);
  EXPECT_EQ(FitRefusal({{0, 0, 0}}), kNoRepeats);
  EXPECT_EQ(FitRefusal({{3, 12, 20}}), kDegenerateFit);
  EXPECT_EQ(FitRefusal(std::vector<PurchaseHistory>(500, {3, 12, 20})), kDegenerateFit);
  EXPECT_EQ(FitRefusal({{1, 1, 1}, {0, 0, 0}}), kDegenerateFit);
  EXPECT_EQ(FitRefusal({{200'000, 1000, 2000}, {1, 1e-9, 1e9}}), kDegenerateFit);
  EXPECT_EQ(FitBgNbd({}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(BgNbdFit, SmallSamplesAreFittedOrRefused) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 300; ++round) {
    const auto customers = SimulateHistories(RandomParameters(random), 1 + round % 12, 60, random);
    const auto fit = FitBgNbd(customers);
    if (!fit.ok()) {
      EXPECT_THAT(ReasonOf(fit.status()), ::testing::AnyOf(kNoRepeats, kDegenerateFit));
      continue;
    }
    EXPECT_TRUE(std::isfinite(fit->log_likelihood));
    EXPECT_TRUE(ExpectedFuturePurchases(fit->parameters, customers[0], 52).ok());
  }
}

TEST(BgNbd, MalformedHistoriesAreRefused) {
  for (const PurchaseHistory& history :
       {PurchaseHistory{2, 30, 20}, PurchaseHistory{-1, 0, 20}, PurchaseHistory{0, 3, 20},
        PurchaseHistory{2, 0, 20}, PurchaseHistory{2, kNan, 20}, PurchaseHistory{2, 3, kInfinity},
        PurchaseHistory{2, 3, kNan}, PurchaseHistory{0, 0, -1},
        PurchaseHistory{INT32_MAX, 3, 20}}) {
    EXPECT_EQ(FitRefusal({{1, 2, 3}, history}), kInvalidHistory);
    EXPECT_EQ(ReasonOf(AliveProbability(kSound, history).status()), kInvalidHistory);
    EXPECT_EQ(ReasonOf(ExpectedFuturePurchases(kSound, history, 1).status()), kInvalidHistory);
    EXPECT_EQ(ReasonOf(BgNbdLogLikelihood(kSound, {{history}}).status()), kInvalidHistory);
  }
  EXPECT_EQ(AliveProbability(kSound, {2, 30, 20}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(BgNbd, MalformedParametersAndHorizonsAreRefused) {
  for (const double bad : {0.0, -1.0, kNan, kInfinity, 1e-15, 1e15}) {
    EXPECT_EQ(ReasonOf(ExpectedPurchases({bad, 4, .8, 2}, 1).status()), kInvalidParameters);
    EXPECT_EQ(ReasonOf(ExpectedPurchases({.2, 4, .8, bad}, 1).status()), kInvalidParameters);
    EXPECT_EQ(ReasonOf(AliveProbability({.2, bad, .8, 2}, {}).status()), kInvalidParameters);
    EXPECT_EQ(ReasonOf(BgNbdLogLikelihood({.2, 4, bad, 2}, {{{}}}).status()), kInvalidParameters);
  }
  for (const double bad : {-1.0, kNan, kInfinity, 1e9}) {
    EXPECT_EQ(ReasonOf(ExpectedPurchases(kSound, bad).status()), kInvalidHorizon);
    EXPECT_EQ(ReasonOf(ExpectedFuturePurchases(kSound, {2, 3, 4}, bad).status()), kInvalidHorizon);
  }
}

}  // namespace
}  // namespace crm::analytics
