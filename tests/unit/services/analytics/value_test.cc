#include "services/analytics/domain/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "services/analytics/domain/model_error.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/analytics/model_customers.h"

namespace crm::analytics {
namespace {

constexpr BgNbdParameters kPurchases{.25, 4.4, .8, 2.4};
constexpr GammaGammaParameters kSpend{6.2, 3.7, 1540};

// Purchases of each small step of time, each discounted from the middle of its step. Steps are
// smallest at the beginning, where the rate of purchases may fall within days.
double DiscountedByStep(const BgNbdParameters& p, const PurchaseHistory& history,
                        const ValueTerms& terms) {
  constexpr int kSteps = 2000;
  double sum = 0;
  double before = 0;
  for (int i = 1; i <= kSteps; ++i) {
    const auto weeks_at = [&](double step) {
      return terms.horizon_weeks * (step / kSteps) * (step / kSteps);
    };
    const double weeks = weeks_at(i);
    const double middle = (weeks_at(i - 1) + weeks) / 2;
    const double purchases = ExpectedFuturePurchases(p, history, weeks).value();
    sum += (purchases - before) * std::pow(1 + terms.yearly_discount, -middle * 7 / 365.25);
    before = purchases;
  }
  return sum;
}

TEST(Value, DiscountedPurchasesAgreeWithSmallSteps) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 12; ++round) {
    const BgNbdParameters p{LogUniform(random, .2, 3), LogUniform(random, .1, 15),
                            LogUniform(random, .3, 3), LogUniform(random, .5, 6)};
    const PurchaseHistory history = SimulateHistory(.2, .1, 60 * Uniform(random), random);
    const ValueTerms terms{LogUniform(random, 1, 500), Uniform(random)};
    const double stepwise = DiscountedByStep(p, history, terms);
    EXPECT_NEAR(DiscountedExpectedPurchases(p, history, terms).value() / stepwise, 1, 5e-5);
  }
}

TEST(Value, WithoutDiscountItIsPurchasesTimesSpend) {
  const auto value = ValueCustomer(kPurchases, kSpend, {3, 20, 30}, 2500, {52, 0});
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->alive_probability, AliveProbability(kPurchases, {3, 20, 30}).value());
  EXPECT_EQ(value->expected_purchases,
            ExpectedFuturePurchases(kPurchases, {3, 20, 30}, 52).value());
  EXPECT_EQ(value->expected_spend, ExpectedSpend(kSpend, {3, 2500}).value());
  EXPECT_EQ(value->lifetime_value, value->expected_purchases * value->expected_spend);
}

TEST(Value, FallsWithDiscountAndGrowsWithTheHorizon) {
  const auto value = [](double weeks, double discount) {
    return ValueCustomer(kPurchases, kSpend, {3, 20, 30}, 2500, {weeks, discount})->lifetime_value;
  };
  EXPECT_EQ(value(0, .1), 0);
  EXPECT_LT(value(52, .2), value(52, .1));
  EXPECT_LT(value(52, .1), value(52, 0));
  EXPECT_LT(value(52, .1), value(104, .1));
}

TEST(Value, MalformedTermsAreRefused) {
  const auto reason = [](const PurchaseHistory& history, double mean, const ValueTerms& terms) {
    return ReasonOf(ValueCustomer(kPurchases, kSpend, history, mean, terms).status());
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(reason({3, 20, 30}, 2500, {-1, 0}), kInvalidHorizon);
  EXPECT_EQ(reason({3, 20, 30}, 2500, {kNan, 0}), kInvalidHorizon);
  EXPECT_EQ(reason({3, 20, 30}, 2500, {52, -.1}), kInvalidDiscount);
  EXPECT_EQ(reason({3, 20, 30}, 2500, {52, kNan}), kInvalidDiscount);
  EXPECT_EQ(reason({3, 40, 30}, 2500, {52, 0}), kInvalidHistory);
  EXPECT_EQ(reason({3, 20, 30}, kNan, {52, 0}), kInvalidSpend);
}

}  // namespace
}  // namespace crm::analytics
