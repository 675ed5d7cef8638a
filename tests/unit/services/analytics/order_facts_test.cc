#include "services/analytics/projection/order_facts.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/test_seed.h"
#include "tests/unit/services/analytics/order_events.h"

namespace crm::analytics {
namespace {

using interaction::v1::InteractionRecord;
using testing::Corrected;
using testing::kDayNs;
using testing::kTenant;
using testing::RandomFacts;
using testing::Recorded;
using testing::Sale;
using View = testing::FoldedView<OrderFacts, InteractionRecord>;

// (contact, currency, day) -> purchases, returns, amount.
using Facts =
    std::map<std::tuple<std::string, std::string, int32_t>, std::tuple<int64_t, int64_t, int64_t>>;

OrderFacts::Visit Into(Facts* facts) {
  return [facts](std::string_view id, const DayFact& fact) {
    const bool fresh = facts
                           ->try_emplace({std::string(id), std::string(fact.currency), fact.day},
                                         fact.purchases, fact.returns, fact.amount_minor)
                           .second;
    EXPECT_TRUE(fresh);
  };
}

Facts All(View& view) {
  Facts facts;
  const auto read_to = OrderFacts::OfTenant(view.rows(), kTenant, Into(&facts));
  EXPECT_TRUE(read_to.ok()) << read_to.status();
  return facts;
}

TEST(OrderFacts, OrdersOfADayAreOneFactByCurrency) {
  View view;
  view.Fold("contacts/c1/orders/o1", Recorded({"EUR", 100, 0}), 5 * kDayNs);
  view.Fold("contacts/c1/orders/o2", Recorded({"EUR", 0, 0}), 6 * kDayNs - 1);
  view.Fold("contacts/c1/orders/o3", Recorded({"EUR", -30, 0}), 5 * kDayNs + 1);
  view.Fold("contacts/c1/orders/o4", Recorded({"CHF", 7, 0}), 5 * kDayNs);
  view.Fold("contacts/c1/orders/o5", Recorded({"EUR", 9, 0}), -1);
  EXPECT_EQ(All(view), (Facts{{{"c1", "CHF", 5}, {1, 0, 7}},
                              {{"c1", "EUR", -1}, {1, 0, 9}},
                              {{"c1", "EUR", 5}, {2, 1, 70}}}));
}

TEST(OrderFacts, CorrectionTakesBackWhatWasCounted) {
  View view;
  const Sale before{"EUR", 100, 5 * kDayNs};
  view.Fold("contacts/c1/orders/o1", Recorded(before), before.time);
  view.Fold("contacts/c1/orders/o1", Corrected(before, {"CHF", 80, 0}), 4 * kDayNs);
  EXPECT_EQ(All(view), (Facts{{{"c1", "CHF", 4}, {1, 0, 80}}}));
}

TEST(OrderFacts, SumsBeyond64BitsComeBack) {
  View view;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const Sale huge{"EUR", kMax, kDayNs};
  view.Fold("contacts/c1/orders/o1", Recorded(huge), kDayNs);
  view.Fold("contacts/c1/orders/o2", Recorded(huge), kDayNs);
  view.Fold("contacts/c1/orders/o2", Corrected(huge, {"EUR", 1, 0}), 2 * kDayNs);
  EXPECT_EQ(All(view), (Facts{{{"c1", "EUR", 1}, {1, 0, kMax}}, {{"c1", "EUR", 2}, {1, 0, 1}}}));
}

TEST(OrderFacts, CurrencyThatIsNoCodeIsLeftOut) {
  View view;
  view.Fold("contacts/c1/orders/o1", Recorded({"", 100, 0}), kDayNs);
  view.Fold("contacts/c1/orders/o2", Recorded({"EURO", 100, 0}), kDayNs);
  EXPECT_TRUE(view.AllRows().empty());
}

TEST(OrderFacts, UnreadableContactLeavesForGood) {
  View view;
  view.Fold("contacts/c1/orders/o1", Recorded({"EUR", 100, 0}), kDayNs);
  view.Unreadable("contacts/c1");
  view.Fold("contacts/c1/orders/o2", Recorded({"EUR", 100, 0}), kDayNs);
  EXPECT_TRUE(All(view).empty());
}

TEST(OrderFactsProperty, EqualsThePlainModelWhateverTheBatches) {
  const unsigned first = TestSeed();
  for (unsigned seed = first; seed < first + 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomFacts random(seed);
    View one_by_one, batched;
    batched.set_batch(1 + static_cast<int>(seed % 17));
    for (int i = 0; i < 120; ++i) {
      random.Next([&](const std::string& name, const InteractionRecord& record, TimeNs time) {
        one_by_one.Fold(name, record, time);
        batched.Fold(name, record, time);
      });
    }
    Facts expected;
    for (const auto& [contact, orders] : random.orders()) {
      for (const auto& [id, sale] : orders) {
        const auto day = static_cast<int32_t>((sale.time + 10'000 * kDayNs) / kDayNs - 10'000);
        auto& [purchases, returns, amount] = expected[{contact, sale.currency, day}];
        ++(sale.total >= 0 ? purchases : returns);
        amount += sale.total;
      }
    }
    EXPECT_EQ(All(one_by_one), expected);
    EXPECT_EQ(batched.AllRows(), one_by_one.AllRows());
    Facts of_one;
    ASSERT_TRUE(OrderFacts::OfContact(one_by_one.rows(), kTenant, "c1", Into(&of_one)).ok());
    std::erase_if(expected, [](const auto& fact) { return std::get<0>(fact.first) != "c1"; });
    EXPECT_EQ(of_one, expected);
  }
}

}  // namespace
}  // namespace crm::analytics
