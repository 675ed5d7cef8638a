#include "services/analytics/projection/customer_interactions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/test_seed.h"
#include "tests/unit/services/analytics/order_events.h"

namespace crm::analytics {
namespace {

using interaction::v1::InteractionRecord;
using testing::Corrected;
using testing::CorrectedTo;
using testing::kDayNs;
using testing::kTenant;
using testing::Logged;
using testing::RandomFacts;
using testing::Recorded;
using View = testing::FoldedView<CustomerInteractions, InteractionRecord>;

std::vector<v1::TimelineEntry> Latest(View& view, const std::string& id, int limit = 1000) {
  auto latest = CustomerInteractions::Latest(view.rows(), kTenant, id, limit);
  EXPECT_TRUE(latest.ok()) << latest.status();
  return latest.value_or(std::vector<v1::TimelineEntry>());
}

std::vector<std::string> Names(const std::vector<v1::TimelineEntry>& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.name());
  return names;
}

int64_t Count(View& view, const std::string& id) {
  return *CustomerInteractions::Count(view.rows(), kTenant, id);
}

TEST(CustomerInteractions, LateArrivalsTakeTheirPlace) {
  View view;
  view.Fold("contacts/c1/interactions/i1", Logged("email", "hello"), 3 * kDayNs);
  view.Fold("contacts/c1/orders/o1", Recorded({"EUR", 250, 0}), 1 * kDayNs);
  view.Fold("contacts/c1/interactions/i2", Logged("phone", "late"), 2 * kDayNs + 7);
  view.Fold("contacts/c2/interactions/i3", Logged("phone", "another's"), 2 * kDayNs);
  const auto entries = Latest(view, "c1");
  ASSERT_EQ(Names(entries),
            (std::vector<std::string>{"contacts/c1/interactions/i1", "contacts/c1/interactions/i2",
                                      "contacts/c1/orders/o1"}));
  EXPECT_EQ(entries[1].interaction().summary(), "late");
  EXPECT_EQ(entries[1].occurred_time().seconds(), 2 * 86'400);
  EXPECT_EQ(entries[1].occurred_time().nanos(), 7);
  EXPECT_EQ(entries[2].order().total_minor(), 250);
  EXPECT_EQ(entries[2].order().lines(), 1);
  EXPECT_EQ(Names(Latest(view, "c1", 1)), std::vector<std::string>{"contacts/c1/interactions/i1"});
  EXPECT_EQ(Count(view, "c1"), 2);
}

TEST(CustomerInteractions, WithoutOccurredTimeItIsTheRecordedOne) {
  View view;
  view.Fold("contacts/c1/interactions/i1", Logged("email", "hello"));
  EXPECT_EQ(Latest(view, "c1").at(0).occurred_time().seconds(), view.now() / kSecond);
}

TEST(CustomerInteractions, ErasureTakesWhatWasSaidAndLeavesThatItWas) {
  View view;
  view.Fold("contacts/c1/interactions/i1", Logged("email", "secret"), kDayNs);
  view.Fold("contacts/c1/interactions/i1", CorrectedTo("email", "secret too"), 2 * kDayNs);
  InteractionRecord erased;
  erased.mutable_interaction()->mutable_erased();
  view.Fold("contacts/c1/interactions/i1", erased);
  ASSERT_EQ(Latest(view, "c1").size(), 1u);
  EXPECT_EQ(Latest(view, "c1")[0].interaction().channel(), "email");
  for (const auto& [key, value] : view.AllRows()) {
    EXPECT_EQ(value.find("secret"), std::string::npos);
  }

  View shredded;
  InteractionRecord logged = Logged("email", "");
  logged.mutable_interaction()->mutable_logged()->clear_personal();
  shredded.Fold("contacts/c1/interactions/i1", logged, kDayNs);
  shredded.Fold("contacts/c1/interactions/i1", CorrectedTo("email", ""), 2 * kDayNs);
  shredded.Fold("contacts/c1/interactions/i1", erased);
  EXPECT_EQ(shredded.AllRows(), view.AllRows());
}

TEST(CustomerInteractions, UnreadableContactLeavesForGood) {
  View view;
  view.Fold("contacts/c1/interactions/i1", Logged("email", "hello"), kDayNs);
  view.Fold("contacts/c2/interactions/i1", Logged("email", "hello"), kDayNs);
  view.Unreadable("contacts/c1");
  view.Fold("contacts/c1/interactions/i2", Logged("email", "hello"), kDayNs);
  EXPECT_TRUE(Latest(view, "c1").empty());
  EXPECT_EQ(Count(view, "c1"), 0);
  EXPECT_EQ(Latest(view, "c2").size(), 1u);
}

using Expected = std::vector<std::tuple<TimeNs, std::string, std::string>>;

// (−time, name, content) of every entry, sorted as the list is.
Expected ExpectedOf(const RandomFacts& facts, const std::string& id) {
  Expected all;
  const std::string contact = "contacts/" + id;
  if (facts.orders().contains(id)) {
    for (const auto& [order, sale] : facts.orders().at(id)) {
      all.emplace_back(-sale.time, contact + "/orders/" + order,
                       sale.currency + std::to_string(sale.total));
    }
  }
  if (facts.touches().contains(id)) {
    for (const auto& [touch, content] : facts.touches().at(id)) {
      all.emplace_back(-content.time, contact + "/interactions/" + touch,
                       content.channel + content.summary);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

Expected Found(View& view, const std::string& id) {
  Expected all;
  for (const auto& entry : Latest(view, id)) {
    const std::string content =
        entry.has_order()
            ? entry.order().currency_code() + std::to_string(entry.order().total_minor())
            : entry.interaction().channel() + entry.interaction().summary();
    all.emplace_back(-ToTimeNs(entry.occurred_time()), entry.name(), content);
  }
  return all;
}

TEST(CustomerInteractionsProperty, EqualsThePlainModelWhateverTheBatches) {
  const unsigned first = TestSeed();
  for (unsigned seed = first; seed < first + 60; ++seed) {
    SCOPED_TRACE(seed);
    RandomFacts facts(seed);
    View one_by_one, batched;
    batched.set_batch(1 + static_cast<int>(seed % 17));
    for (int i = 0; i < 120; ++i) {
      facts.Next([&](const std::string& name, const InteractionRecord& record, TimeNs time) {
        one_by_one.Fold(name, record, time);
        batched.Fold(name, record, time);
      });
    }
    for (const char* id : {"c0", "c1", "c2", "c3"}) {
      EXPECT_EQ(Found(one_by_one, id), ExpectedOf(facts, id));
      EXPECT_EQ(Count(one_by_one, id), facts.touches().contains(id)
                                           ? static_cast<int64_t>(facts.touches().at(id).size())
                                           : 0);
    }
    EXPECT_EQ(batched.AllRows(), one_by_one.AllRows());
  }
}

}  // namespace
}  // namespace crm::analytics
