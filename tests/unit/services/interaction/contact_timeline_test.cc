#include "services/interaction/projection/contact_timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "common/base/bytes.h"
#include "common/projection/batch_rows.h"
#include "common/storage/memory_store.h"
#include "services/interaction/projection/timeline_reader.h"
#include "tests/unit/services/interaction/facts.h"

namespace crm::interaction {
namespace {

using testing::Basket;
using testing::Call;
using testing::Corrected;
using testing::Draw;
using testing::Erased;
using testing::Logged;
using testing::Recorded;
using testing::Shredded;

constexpr Partition kPartition = 3;
using Names = std::vector<std::string>;

// The view's rows of one partition.
class View {
 public:
  explicit View(bool flush_each = true) : flush_each_(flush_each) {}
  ~View() { Flush(); }

  void Fold(const std::string& name, const v1::OrderEvent& order_event) {
    v1::InteractionRecord record;
    *record.mutable_order() = order_event;
    Apply(name, record);
  }
  void Fold(const std::string& name, const v1::InteractionEvent& interaction_event) {
    v1::InteractionRecord record;
    *record.mutable_interaction() = interaction_event;
    Apply(name, record);
  }

  void Unreadable(const std::string& contact) {
    EXPECT_TRUE(fold_->Unreadable("t", contact, 0, absl::DataLossError("damaged")).ok());
    if (flush_each_) Flush();
  }

  TimelineReader Reader(const std::string& contact) {
    Flush();
    names_.push_back(std::make_unique<std::string>(contact));
    return TimelineReader(rows_, {kPartition, "t", *names_.back()});
  }

  Names List(const std::string& contact, TimelineFamily family,
             TimeOrder order = TimeOrder::kNewestFirst, std::string_view after = "") {
    const size_t prefix = TimelinePrefix({kPartition, "t", contact}, family).size();
    Names ids;
    const auto row = Reader(contact).Timeline(order, family, after);
    for (; row->Valid(); row->Next()) ids.emplace_back(IdAt(row->key().substr(prefix)));
    return ids;
  }

  // All rows, by key.
  std::map<std::string, std::string> Rows() {
    Flush();
    std::map<std::string, std::string> all;
    for (auto rows = rows_.Scan("", ""); rows->Valid(); rows->Next()) {
      all.emplace(rows->key(), rows->value());
    }
    return all;
  }

  void Flush() {
    EXPECT_TRUE(fold_->Flush().ok());
    EXPECT_TRUE(rows_.Write(batch_.Take()).ok());
  }

 private:
  void Apply(const std::string& name, const v1::InteractionRecord& content) {
    auto record = std::make_unique<v1::InteractionRecord>(content);
    record->mutable_metadata()->set_tenant("t");
    record->mutable_metadata()->set_aggregate(name);
    std::vector<Event> command(1);
    command[0].metadata = &record->metadata();
    command[0].aggregate_event =
        record->has_order() ? static_cast<const google::protobuf::Message*>(&record->order())
                            : &record->interaction();
    command[0].aggregate_field = record->has_order()
                                     ? v1::InteractionRecord::kOrderFieldNumber
                                     : v1::InteractionRecord::kInteractionFieldNumber;
    command[0].record = std::move(record);
    ASSERT_TRUE(fold_->Apply(command).ok());
    if (flush_each_) Flush();
  }

  const bool flush_each_;
  ContactTimeline view_;
  MemoryStore rows_;
  BatchRows batch_{rows_};
  std::unique_ptr<crm::Fold> fold_ = view_.Begin(kPartition, batch_);
  std::vector<std::unique_ptr<std::string>> names_;
};

OrderContent OrderAt(int64_t seconds, std::vector<OrderLine> lines, std::string currency = "CHF") {
  OrderContent content{.occurred_time = {seconds, 0}, .currency_code = std::move(currency)};
  content.lines = std::move(lines);
  content.total_minor = *TotalOf(content.lines);
  return content;
}

InteractionContent CallAt(Instant time) {
  InteractionContent content = Call();
  content.occurred_time = time;
  return content;
}

TEST(ContactTimeline, LateArrivalsTakeTheirPlace) {
  View view;
  const auto log = [&](const std::string& id, Instant time) {
    view.Fold("contacts/c1/interactions/" + id, Logged(CallAt(time)));
  };
  log("i1", {100, 0});
  log("i2", {300, 0});
  log("i3", {200, 0});
  log("i5", {200, 1});
  log("i4", {200, 0});
  log("i6", {-62'135'596'800, 0});
  log("i7", {253'402'300'799, 999'999'999});
  log("i8", {-1, 500'000'000});
  const Names newest = {"i7", "i2", "i5", "i3", "i4", "i1", "i8", "i6"};
  EXPECT_EQ(view.List("contacts/c1", TimelineFamily::kInteractions), newest);
  EXPECT_EQ(view.List("contacts/c1", TimelineFamily::kInteractions, TimeOrder::kOldestFirst),
            Names(newest.rbegin(), newest.rend()));
  EXPECT_EQ(view.List("contacts/c1", TimelineFamily::kInteractions, TimeOrder::kNewestFirst,
                      PlaceOf({200, 0}, "i3")),
            (Names{"i4", "i1", "i8", "i6"}));
  EXPECT_EQ(view.List("contacts/c1", TimelineFamily::kInteractions, TimeOrder::kOldestFirst,
                      PlaceOf({200, 0}, "i3")),
            (Names{"i5", "i2", "i7"}));
  EXPECT_EQ(view.List("contacts/c1", TimelineFamily::kOrders), Names());
  EXPECT_EQ(view.List("contacts/c2", TimelineFamily::kInteractions), Names());
}

TEST(ContactTimeline, PlacesTellTimeAndId) {
  for (const Instant time : {Instant{0, 0}, Instant{-1, 999'999'999}, Instant{5, 7}}) {
    const std::string place = PlaceOf(time, "contacts/c1/orders/o1");
    EXPECT_EQ(TimeAt(place), time);
    EXPECT_EQ(IdAt(place), "o1");
  }
}

TEST(ContactTimeline, CorrectedOrderCountsOnceAndMoves) {
  View view;
  const OrderContent first = OrderAt(100, {{"milk", 2, 300}, {"tea", 1, 200}});
  const OrderContent second = OrderAt(50, {{"milk", 1, 150}}, "USD");
  view.Fold("contacts/c1/orders/o1", Recorded(first));
  view.Fold("contacts/c1/orders/o2", Recorded(OrderAt(70, {})));
  view.Fold("contacts/c1/orders/o1", Corrected(first, second));
  EXPECT_EQ(view.List("contacts/c1", TimelineFamily::kOrders), (Names{"o2", "o1"}));
  const auto totals = *view.Reader("contacts/c1").Totals();
  ASSERT_EQ(totals.size(), 2u);
  EXPECT_EQ(totals[0].currency_code, "CHF");
  EXPECT_EQ(totals[0].sum.orders, 1);
  EXPECT_EQ(totals[0].sum.total_minor, 0);
  EXPECT_EQ(totals[1].sum.total_minor, 150);
  const auto owned = *view.Reader("contacts/c1").Owned(10);
  ASSERT_EQ(owned.size(), 1u);
  EXPECT_EQ(owned[0].product, "milk");
  EXPECT_EQ(owned[0].sum.quantity, 1);
  EXPECT_EQ(owned[0].last_purchase_time, (Instant{50, 0}));
}

TEST(ContactTimeline, ReturnedInFullIsNotOwned) {
  View view;
  const auto owned = [&] {
    Names products;
    const auto all = view.Reader("contacts/c1").Owned(10);
    for (const auto& one : *all) products.push_back(one.product);
    return products;
  };
  view.Fold("contacts/c1/orders/o1", Recorded(OrderAt(1, {{"tv", 2, 900}, {"salad", 0, 120}})));
  EXPECT_EQ(owned(), (Names{"salad", "tv"}));
  view.Fold("contacts/c1/orders/o2", Recorded(OrderAt(2, {{"tv", 1, -450}})));
  EXPECT_EQ(owned(), (Names{"salad", "tv"}));
  view.Fold("contacts/c1/orders/o3", Recorded(OrderAt(3, {{"tv", 1, -450}})));
  EXPECT_EQ(owned(), (Names{"salad"}));
  view.Fold("contacts/c1/orders/o4", Recorded(OrderAt(4, {{"gift", 1, -1}})));
  EXPECT_EQ(owned(), (Names{"salad"}));
}

TEST(ContactTimeline, SumsGoBeyond64Bits) {
  View view;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (const char* id : {"o1", "o2", "o3"}) {
    view.Fold(std::string("contacts/c1/orders/") + id, Recorded(OrderAt(1, {{"a", 1, kMax}})));
  }
  EXPECT_TRUE((*view.Reader("contacts/c1").Totals())[0].sum.total_minor ==
              static_cast<__int128>(kMax) * 3);
  view.Fold("contacts/c2/orders/o1", Recorded(OrderAt(1, {{"a", 1, -5}})));
  EXPECT_TRUE((*view.Reader("contacts/c2").Totals())[0].sum.total_minor == -5);
}

TEST(ContactTimeline, UnreadableContactLeavesAndStaysAway) {
  View view;
  view.Fold("contacts/c1/orders/o1", Recorded(Basket()));
  view.Fold("contacts/c1/interactions/i1", Logged(Call()));
  const auto before = view.Rows();
  view.Fold("contacts/c2/orders/o1", Recorded(Basket()));
  view.Unreadable("contacts/c2");
  view.Fold("contacts/c2/orders/o2", Recorded(Basket()));
  view.Fold("contacts/c2/interactions/i1", Logged(Call()));
  auto rows = view.Rows();
  std::erase_if(rows, [](const auto& row) { return row.first[1] == 'q'; });
  EXPECT_EQ(rows, before);
}

TEST(ContactTimeline, NoRowHoldsAnythingPersonal) {
  View view;
  view.Fold("contacts/c1/orders/o1", Recorded(Basket()));
  view.Fold("contacts/c1/interactions/i1", Logged(Call()));
  for (const auto& [key, value] : view.Rows()) {
    for (const char* personal : {"Ada", "Bea", "call-1", "basket-1"}) {
      EXPECT_EQ((key + value).find(personal), std::string::npos);
    }
  }
}

TEST(ContactTimeline, BusinessLinesTellTheRows) {
  View view;
  view.Fold("contacts/c1/orders/o1", Recorded(OrderAt(-5, {{"tea", 1, 2}})));
  Names lines;
  for (const auto& [key, value] : view.Rows()) {
    lines.push_back(ContactTimeline().BusinessLine(key, value));
  }
  EXPECT_EQ(lines, (Names{"t c1 o -5 o1 03746561", "t c1 p tea 020100",
                          "t c1 t CHF 01" + std::string(31, '0') + "2"}));
}

// What is recorded in the end, as plain data.
struct Facts {
  std::map<std::string, OrderContent> orders;
  std::map<std::string, InteractionContent> interactions;
};

template <typename Content>
Names NewestFirst(const std::map<std::string, Content>& facts) {
  std::vector<std::pair<Instant, std::string>> sorted;
  for (const auto& [name, content] : facts) {
    sorted.emplace_back(content.occurred_time, name.substr(name.rfind('/') + 1));
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  Names ids;
  for (const auto& [time, id] : sorted) ids.push_back(id);
  return ids;
}

std::map<std::string, std::pair<int64_t, int64_t>> TotalsOf(const Facts& facts) {
  std::map<std::string, std::pair<int64_t, int64_t>> totals;
  for (const auto& [name, order] : facts.orders) {
    ++totals[order.currency_code].first;
    totals[order.currency_code].second += order.total_minor;
  }
  return totals;
}

using Owned = std::tuple<std::string, int64_t, int64_t, Instant>;

std::vector<Owned> OwnedOf(const Facts& facts, size_t limit) {
  struct Count {
    int64_t quantity = 0, purchases = 0, returns = 0;
    std::optional<Instant> last;
  };
  std::map<std::string, Count> counts;
  for (const auto& [name, order] : facts.orders) {
    for (const OrderLine& line : order.lines) {
      Count& count = counts[line.product];
      const bool bought = line.amount_minor >= 0;
      count.quantity += bought ? line.quantity : -line.quantity;
      ++(bought ? count.purchases : count.returns);
      if (bought)
        count.last = std::max(count.last.value_or(order.occurred_time),  //
                              order.occurred_time);
    }
  }
  std::vector<Owned> owned;
  for (const auto& [product, count] : counts) {
    if (!count.last || (count.returns > 0 && count.quantity <= 0)) continue;
    owned.emplace_back(product, count.quantity, count.purchases, *count.last);
  }
  std::stable_sort(owned.begin(), owned.end(),
                   [](const Owned& a, const Owned& b) { return std::get<3>(a) > std::get<3>(b); });
  if (owned.size() > limit) owned.resize(limit);
  return owned;
}

void ExpectModel(View& view, const std::string& contact, const Facts& facts) {
  EXPECT_EQ(view.List(contact, TimelineFamily::kOrders), NewestFirst(facts.orders));
  EXPECT_EQ(view.List(contact, TimelineFamily::kInteractions), NewestFirst(facts.interactions));
  std::map<std::string, std::pair<int64_t, int64_t>> totals;
  const auto sums = view.Reader(contact).Totals();
  for (const auto& total : *sums) {
    totals[total.currency_code] = {total.sum.orders, static_cast<int64_t>(total.sum.total_minor)};
  }
  EXPECT_EQ(totals, TotalsOf(facts));
  for (const size_t limit : {0, 1, 2, 10}) {
    std::vector<Owned> owned;
    const auto found = view.Reader(contact).Owned(limit);
    for (const auto& one : *found) {
      owned.emplace_back(one.product, one.sum.quantity, one.sum.purchases, one.last_purchase_time);
    }
    EXPECT_EQ(owned, OwnedOf(facts, limit)) << limit;
  }
}

// Facts of two contacts in any order, each corrected now and then, flushed at any moment: rows as
// of a plain model, and as if the last word had been the first.
TEST(ContactTimelineProperty, RowsAreAFunctionOfWhatIsRecordedNow) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    View view(seed % 2 == 0);
    std::map<std::string, Facts> model;
    for (int i = 0; i < 30; ++i) {
      const std::string contact = draw.OneOf({"contacts/c1", "contacts/c2"});
      if (draw.Below(3) == 0) {
        const std::string name = contact + "/interactions/i" + std::to_string(draw.Below(6));
        const InteractionContent content = draw.AnInteraction();
        const auto [known, first] = model[contact].interactions.try_emplace(name, content);
        if (first) view.Fold(name, Logged(content));
        if (!first && known->second != content) {
          view.Fold(name, Corrected(known->second, content));
          known->second = content;
        }
      } else {
        const std::string name = contact + "/orders/o" + std::to_string(draw.Below(8));
        const OrderContent content = draw.AnOrder();
        const auto [known, first] = model[contact].orders.try_emplace(name, content);
        if (first) view.Fold(name, Recorded(content));
        if (!first && known->second != content) {
          view.Fold(name, Corrected(known->second, content));
          known->second = content;
        }
      }
      if (draw.Below(5) == 0) view.Flush();
    }
    View fresh;
    for (const auto& [contact, facts] : model) {
      ExpectModel(view, contact, facts);
      for (auto fact = facts.orders.rbegin(); fact != facts.orders.rend(); ++fact) {
        fresh.Fold(fact->first, Recorded(fact->second));
      }
      for (const auto& [name, content] : facts.interactions) fresh.Fold(name, Logged(content));
    }
    EXPECT_EQ(view.Rows(), fresh.Rows());
  }
}

TEST(ContactTimelineProperty, ErasureLaw) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    View plain, shredded;
    for (const auto& event : draw.AHistory<OrderDecider>()) {
      plain.Fold("contacts/c1/orders/o1", event);
      shredded.Fold("contacts/c1/orders/o1", Shredded(event));
    }
    for (const auto& event : draw.AHistory<InteractionDecider>()) {
      plain.Fold("contacts/c1/interactions/i1", event);
      shredded.Fold("contacts/c1/interactions/i1", Shredded(event));
    }
    for (View* view : {&plain, &shredded}) {
      view->Fold("contacts/c1/orders/o1", Erased<v1::OrderEvent>());
      view->Fold("contacts/c1/interactions/i1", Erased<v1::InteractionEvent>());
    }
    EXPECT_EQ(shredded.Rows(), plain.Rows());
  }
}

}  // namespace
}  // namespace crm::interaction
