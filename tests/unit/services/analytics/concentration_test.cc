#include "services/analytics/domain/concentration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "services/analytics/domain/model_error.h"
#include "tests/support/test_seed.h"

namespace crm::analytics {
namespace {

std::vector<ConcentrationPoint> Curve(const std::vector<CustomerSales>& customers,
                                      const std::vector<int32_t>& tops) {
  return Concentration(customers, tops).value();
}

std::string Refusal(const std::vector<CustomerSales>& customers, const std::vector<int32_t>& tops) {
  return ReasonOf(Concentration(customers, tops).status());
}

TEST(Concentration, TheTopHoldsItsShare) {
  const std::vector<CustomerSales> customers{{"a", 10}, {"b", 60}, {"c", 20}, {"d", 10}, {"e", 0}};
  const auto curve = Curve(customers, {0, 200'000, 399'999, 400'000, kWholePpm});
  EXPECT_EQ(curve[0], (ConcentrationPoint{0, 0, 0, 0}));
  EXPECT_EQ(curve[1], (ConcentrationPoint{200'000, 1, 60, .6}));
  EXPECT_EQ(curve[2], (ConcentrationPoint{399'999, 1, 60, .6}));
  EXPECT_EQ(curve[3], (ConcentrationPoint{400'000, 2, 80, .8}));
  EXPECT_EQ(curve[4], (ConcentrationPoint{kWholePpm, 5, 100, 1}));
}

TEST(Concentration, AgreesWithTakingTheLargestOneByOne) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> ids;
    for (size_t i = 0; i < 1 + random() % 40; ++i) ids.push_back(std::to_string(i));
    std::vector<CustomerSales> customers;
    for (const std::string& id : ids) {
      customers.push_back({id, 1 + static_cast<int64_t>(random() % 20)});
    }
    const auto count = static_cast<int64_t>(customers.size());
    std::vector<int32_t> tops;
    for (int64_t k = 0; k <= count; ++k) {
      tops.push_back(static_cast<int32_t>((k * kWholePpm + count - 1) / count));
    }
    const auto curve = Curve(customers, tops);
    std::shuffle(customers.begin(), customers.end(), random);
    EXPECT_EQ(Curve(customers, tops), curve);
    int64_t taken = 0;
    for (int64_t k = 0; k < count; ++k) {
      EXPECT_EQ(curve[k].customers, k);
      EXPECT_EQ(curve[k].amount_minor, taken);
      auto largest = std::max_element(
          customers.begin(), customers.end(),
          [](const auto& a, const auto& b) { return a.amount_minor < b.amount_minor; });
      taken += largest->amount_minor;
      customers.erase(largest);
    }
    EXPECT_EQ(curve.back().amount_minor, taken);
    EXPECT_EQ(curve.back().share, 1);
  }
}

TEST(Concentration, AFifthOf2377Is475) {
  const std::vector<CustomerSales> customers(2377, {"x", 1});
  EXPECT_EQ(Curve(customers, {200'000})[0].customers, 475);
}

TEST(Concentration, ReturnsCanLiftTheShareAboveOne) {
  const auto curve = Curve({{"a", 150}, {"b", -50}}, {500'000, kWholePpm});
  EXPECT_EQ(curve[0].share, 1.5);
  EXPECT_EQ(curve[1].share, 1);
}

TEST(Concentration, CustomersWithoutAnAnswerAreRefused) {
  EXPECT_EQ(Refusal({}, {1}), kNoCustomers);
  EXPECT_EQ(Refusal({{"a", 0}}, {1}), kNoSales);
  EXPECT_EQ(Refusal({{"a", 5}, {"b", -5}}, {1}), kNoSales);
  EXPECT_EQ(Refusal({{"a", std::numeric_limits<int64_t>::max()}, {"b", 1}}, {1}), kAmountOverflow);
  EXPECT_EQ(Refusal({{"a", 1}}, {-1}), kInvalidFraction);
  EXPECT_EQ(Refusal({{"a", 1}}, {kWholePpm + 1}), kInvalidFraction);
}

}  // namespace
}  // namespace crm::analytics
