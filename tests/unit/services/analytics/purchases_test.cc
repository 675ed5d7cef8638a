#include "services/analytics/domain/purchases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "services/analytics/domain/model_error.h"
#include "tests/support/test_seed.h"

namespace crm::analytics {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

PurchaseSummary Summary(const std::vector<DatedAmount>& orders, int32_t day) {
  return Summarise(orders, day).value().value();
}

bool IsCustomer(const std::vector<DatedAmount>& orders, int32_t day) {
  return Summarise(orders, day).value().has_value();
}

TEST(Purchases, OneOrderIsACustomerWithoutRepeats) {
  const PurchaseSummary summary = Summary({{100, 500}}, 114);
  EXPECT_EQ(summary.rfm, (RfmInputs{14, 1, 500}));
  EXPECT_EQ(summary.history, (PurchaseHistory{0, 0, 2}));
  EXPECT_EQ(summary.mean_spend_minor, 0);
}

TEST(Purchases, OrdersOfOneDayAreOneRepeatAndSeveralOrders) {
  const PurchaseSummary summary =
      Summary({{114, 300}, {100, 500}, {107, 200}, {107, 100}, {100, 1}}, 121);
  EXPECT_EQ(summary.rfm, (RfmInputs{7, 5, 1101}));
  EXPECT_EQ(summary.history, (PurchaseHistory{2, 2, 3}));
  EXPECT_EQ(summary.mean_spend_minor, 300);
}

TEST(Purchases, LaterOrdersDoNotCount) {
  const PurchaseSummary summary = Summary({{100, 500}, {107, 200}, {108, 900}}, 107);
  EXPECT_EQ(summary.rfm, (RfmInputs{0, 2, 700}));
  EXPECT_EQ(summary.history, (PurchaseHistory{1, 1, 1}));
  EXPECT_FALSE(IsCustomer({{108, 900}}, 107));
  EXPECT_FALSE(IsCustomer({}, 107));
}

TEST(Purchases, AnAmountOfZeroIsAPurchase) {
  const PurchaseSummary summary = Summary({{100, 500}, {107, 0}}, 107);
  EXPECT_EQ(summary.rfm, (RfmInputs{0, 2, 500}));
  EXPECT_EQ(summary.history, (PurchaseHistory{1, 1, 1}));
  EXPECT_EQ(summary.mean_spend_minor, 0);
}

TEST(Purchases, AReturnChangesAmountsOnly) {
  const PurchaseSummary summary = Summary({{100, 500}, {107, 300}, {109, -100}}, 114);
  EXPECT_EQ(summary.rfm, (RfmInputs{7, 2, 700}));
  EXPECT_EQ(summary.history, (PurchaseHistory{1, 1, 2}));
  EXPECT_EQ(summary.mean_spend_minor, 200);
  EXPECT_FALSE(IsCustomer({{100, -500}}, 107));
}

TEST(Purchases, TheOrderOfOrdersDoesNotMatter) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    std::vector<DatedAmount> orders;
    std::set<int32_t> days;
    for (uint64_t i = random() % 20; i-- > 0;) {
      orders.push_back(
          {static_cast<int32_t>(random() % 60), static_cast<int64_t>(random() % 1000)});
      if (orders.back().day <= 40) days.insert(orders.back().day);
    }
    const auto first = Summarise(orders, 40).value();
    std::shuffle(orders.begin(), orders.end(), random);
    const auto second = Summarise(orders, 40).value();
    ASSERT_EQ(first.has_value(), !days.empty());
    if (!first.has_value()) continue;
    EXPECT_EQ(first->history.repeats, static_cast<int32_t>(days.size()) - 1);
    EXPECT_EQ(first->rfm, second->rfm);
    EXPECT_EQ(first->history, second->history);
    EXPECT_EQ(first->mean_spend_minor, second->mean_spend_minor);
  }
}

TEST(Purchases, SumsBeyondTheRangeAreRefused) {
  const auto over = Summarise({{{1, kMost}, {2, 1}}}, 3);
  EXPECT_EQ(over.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(over.status()), kAmountOverflow);
  // On the way it may leave the range.
  EXPECT_EQ(Summary({{1, kMost}, {2, kMost}, {2, -kMost}}, 3).rfm.amount_minor, kMost);
}

TEST(Purchases, DaysOutsideOfTheCalendarAreRefused) {
  EXPECT_EQ(ReasonOf(Summarise({{{kLastDay + 1, 1}}}, 3).status()), kInvalidDay);
  EXPECT_EQ(ReasonOf(Summarise({}, std::numeric_limits<int32_t>::min()).status()), kInvalidDay);
  EXPECT_EQ(Summary({{kFirstDay, 1}}, kLastDay).rfm.recency_days, kLastDay - kFirstDay);
}

}  // namespace
}  // namespace crm::analytics
