#include "services/analytics/domain/rfm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "services/analytics/domain/model_error.h"
#include "services/analytics/domain/quantile.h"
#include "tests/support/test_seed.h"

namespace crm::analytics {
namespace {

using ::testing::Each;

// The definition in words: the smallest position is 0, the largest n - 1; in between, linear.
double QuantileByDefinition(std::vector<int64_t> values, double fraction) {
  std::sort(values.begin(), values.end());
  const double position = static_cast<double>(values.size() - 1) * fraction;
  double quantile = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double weight = std::max(0.0, 1 - std::abs(position - static_cast<double>(i)));
    quantile += weight * static_cast<double>(values[i]);
  }
  return quantile;
}

TEST(Quantile, AgreesWithItsDefinition) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> values;
    for (uint64_t i = 1 + random() % 30; i-- > 0;) {
      values.push_back(static_cast<int64_t>(random() % 50) - 10);
    }
    const int64_t part = static_cast<int64_t>(random() % 101);
    const double expected = QuantileByDefinition(values, static_cast<double>(part) / 100);
    std::sort(values.begin(), values.end());
    EXPECT_NEAR(Quantile(values, part, 100), expected, 1e-9);
  }
}

TEST(Quantile, IsExactOnAnOrderStatistic) {
  const std::vector<int64_t> values{1, 7, 7, 20, 21, 30};
  EXPECT_EQ(Quantile(values, 0, 5), 1);
  EXPECT_EQ(Quantile(values, 3, 5), 20);
  EXPECT_EQ(Quantile(values, 5, 5), 30);
  EXPECT_EQ(Quantile(std::vector<int64_t>{4}, 2, 5), 4);
}

std::vector<RfmInputs> RandomCustomers(std::mt19937_64& random) {
  std::vector<RfmInputs> customers;
  for (uint64_t i = 1 + random() % 40; i-- > 0;) {
    customers.push_back({static_cast<int32_t>(random() % 300),
                         1 + static_cast<int32_t>(random() % 9),
                         static_cast<int64_t>(random() % 100'000) - 500});
  }
  return customers;
}

// Cut k is passed by those at or above it: told customer by customer.
int32_t ScoreByDefinition(const Cuts& cuts, double value) {
  if (value >= cuts[3]) return 5;
  if (value >= cuts[2]) return 4;
  if (value >= cuts[1]) return 3;
  return value >= cuts[0] ? 2 : 1;
}

TEST(Rfm, ScoresAgreeWithTheirDefinition) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    const auto customers = RandomCustomers(random);
    const RfmCuts cuts = CutRfm(customers, 100).value();
    for (const RfmInputs& customer : customers) {
      const RfmScores scores = ScoreRfm(cuts, customer);
      EXPECT_EQ(scores.recency, 6 - ScoreByDefinition(cuts.recency_days, customer.recency_days));
      EXPECT_EQ(scores.frequency, ScoreByDefinition(cuts.orders, customer.orders));
      EXPECT_EQ(scores.monetary,
                ScoreByDefinition(cuts.amount_minor, static_cast<double>(customer.amount_minor)));
    }
  }
}

TEST(Rfm, CutsAscendAndDoNotDependOnTheOrder) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    auto customers = RandomCustomers(random);
    const RfmCuts cuts = CutRfm(customers, 100).value();
    for (const Cuts& one : {cuts.recency_days, cuts.orders, cuts.amount_minor}) {
      EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
    }
    std::shuffle(customers.begin(), customers.end(), random);
    EXPECT_EQ(CutRfm(customers, 100).value(), cuts);
  }
}

TEST(Rfm, ScoresAreMonotoneInEachInput) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    const auto customers = RandomCustomers(random);
    const RfmCuts cuts = CutRfm(customers, 100).value();
    RfmInputs customer = customers[0];
    const RfmScores before = ScoreRfm(cuts, customer);
    customer.recency_days += static_cast<int32_t>(random() % 200);
    customer.orders += static_cast<int32_t>(random() % 5);
    customer.amount_minor += static_cast<int64_t>(random() % 50'000);
    const RfmScores after = ScoreRfm(cuts, customer);
    EXPECT_LE(after.recency, before.recency);
    EXPECT_GE(after.frequency, before.frequency);
    EXPECT_GE(after.monetary, before.monetary);
  }
}

TEST(Rfm, OneCustomerAndEqualCustomersLieBelowTheCuts) {
  for (const size_t count : {1, 7}) {
    const std::vector<RfmInputs> customers(count, {30, 2, 5000});
    const RfmCuts cuts = CutRfm(customers, 100).value();
    EXPECT_THAT(cuts.recency_days, Each(31));
    EXPECT_THAT(cuts.orders, Each(3));
    EXPECT_THAT(cuts.amount_minor, Each(5100));
    EXPECT_EQ(ScoreRfm(cuts, customers[0]).Combined(), 511);
  }
}

TEST(Rfm, TheUnitOfTheCurrencyIsAdded) {
  const std::vector<RfmInputs> customers{{30, 2, 5000}};
  EXPECT_THAT(CutRfm(customers, 1)->amount_minor, Each(5001));
  EXPECT_THAT(CutRfm(customers, 1000)->amount_minor, Each(6000));
  EXPECT_EQ(ReasonOf(CutRfm(customers, 0).status()), kInvalidCurrencyUnit);
}

TEST(Rfm, NoCustomersAreRefused) {
  EXPECT_EQ(CutRfm({}, 100).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(CutRfm({}, 100).status()), kNoCustomers);
}

TEST(Rfm, ExtremeAmountsKeepFiniteCuts) {
  const std::vector<RfmInputs> customers{{0, 1, std::numeric_limits<int64_t>::min()},
                                         {0, 1, std::numeric_limits<int64_t>::max()}};
  const RfmCuts cuts = CutRfm(customers, 100).value();
  for (const double cut : cuts.amount_minor) EXPECT_TRUE(std::isfinite(cut));
}

}  // namespace
}  // namespace crm::analytics
