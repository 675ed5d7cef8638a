#include <gtest/gtest.h>

#include <limits>

#include "services/interaction/domain/interaction.h"
#include "services/interaction/domain/order.h"
#include "tests/support/given_when_then.h"
#include "tests/unit/services/interaction/facts.h"

namespace crm::interaction {
namespace {

using testing::Basket;
using testing::Call;
using testing::Corrected;
using testing::Draw;
using testing::Erased;
using testing::Fold;
using testing::Log;
using testing::Logged;
using testing::Record;
using testing::Recorded;
using testing::Shredded;

auto GivenOrder(const std::vector<v1::OrderEvent>& events) {
  return crm::testing::Given<OrderDecider>(events);
}

auto GivenInteraction(const std::vector<v1::InteractionEvent>& events) {
  return crm::testing::Given<InteractionDecider>(events);
}

TEST(OrderDecider, UnknownOrderIsRecorded) {
  const v1::OrderEvent event = Recorded(Basket());
  EXPECT_EQ(event.recorded().plain().external_key().key(), "basket-1");
  EXPECT_EQ(event.recorded().total_minor(), 790);
  EXPECT_EQ(event.recorded().occurred_time().nanos(), 7);
  const Order order = Fold<OrderDecider>({event});
  EXPECT_EQ(order.lifecycle, Lifecycle::kRecorded);
  EXPECT_EQ(order.content, Basket());
  EXPECT_EQ(order.external_key, (ExternalKey{"shop", "basket-1"}));
}

TEST(OrderDecider, TheSameAgainRecordsNothing) {
  GivenOrder({Recorded(Basket())}).When(Record(Basket())).ThenNothing();
}

TEST(OrderDecider, OtherContentCorrectsAndTellsWhatCountedBefore) {
  OrderContent wanted = Basket();
  wanted.currency_code = "USD";
  wanted.occurred_time = {1'400'000'000, 0};
  wanted.lines.pop_back();
  wanted.total_minor = 340;
  const auto event =
      testing::OnlyEvent(OrderDecider::Decide(Fold<OrderDecider>({Recorded(Basket())}),  //
                                              Record(wanted)));
  const v1::OrderCorrected& corrected = event.corrected();
  EXPECT_EQ(corrected.previous_currency_code(), "CHF");
  EXPECT_EQ(corrected.previous_total_minor(), 790);
  EXPECT_EQ(corrected.previous_occurred_time_ns(), 1'500'000'000'000'000'007);
  EXPECT_EQ(corrected.previous_occurred_time().nanos(), 7);
  EXPECT_EQ(corrected.previous_lines_size(), 2);
  EXPECT_EQ(corrected.plain().external_key().key(), "basket-1");
  EXPECT_EQ(Fold<OrderDecider>({Recorded(Basket()), event}).content, wanted);
}

TEST(OrderDecider, AnyOneDifferenceCorrects) {
  for (const auto& change : std::vector<void (*)(OrderContent&)>{
           [](OrderContent& c) { c.place = "store-8"; },
           [](OrderContent& c) { c.occurred_time.nanos = 8; },
           [](OrderContent& c) { std::swap(c.lines[0], c.lines[1]); },
           [](OrderContent& c) { c.lines[0].quantity = 3; }}) {
    OrderContent wanted = Basket();
    change(wanted);
    GivenOrder({Recorded(Basket())})
        .When(Record(wanted))
        .ThenRecorded({Corrected(Basket(), wanted)});
  }
}

TEST(OrderDecider, ErasedOrderTakesNoCorrection) {
  GivenOrder({Recorded(Basket()), Erased<v1::OrderEvent>()})
      .When(Record(Basket()))
      .ThenRefused("ORDER_ERASED");
  GivenOrder({Erased<v1::OrderEvent>()}).When(Record(Basket())).ThenRefused("ORDER_ERASED");
}

TEST(OrderDecider, ErasureKeepsWhatWasBoughtWithoutItsKey) {
  const Order order = Fold<OrderDecider>({Recorded(Basket()), Erased<v1::OrderEvent>()});
  EXPECT_EQ(order.content, Basket());
  EXPECT_EQ(order.external_key, std::nullopt);
}

TEST(OrderDecider, TotalIsExactOrNothing) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(TotalOf({}), 0);
  EXPECT_EQ(TotalOf(Basket().lines), 790);
  EXPECT_EQ(TotalOf(std::vector<OrderLine>{{"a", 1, kMax}, {"b", 1, -1}}), kMax - 1);
  EXPECT_EQ(TotalOf(std::vector<OrderLine>{{"a", 1, kMax}, {"b", 1, 1}}), std::nullopt);
  EXPECT_EQ(TotalOf(std::vector<OrderLine>{{"a", 1, -kMax}, {"b", 1, -2}}), std::nullopt);
}

TEST(InteractionDecider, UnknownInteractionIsLogged) {
  const v1::InteractionEvent event = Logged(Call());
  EXPECT_EQ(event.logged().plain().summary(), Call().summary);
  EXPECT_EQ(event.logged().channel(), "phone");
  const Interaction interaction = Fold<InteractionDecider>({event});
  EXPECT_EQ(interaction.content, Call());
  EXPECT_EQ(interaction.external_key, (ExternalKey{"desk", "call-1"}));
}

TEST(InteractionDecider, TheSameAgainRecordsNothing) {
  GivenInteraction({Logged(Call())}).When(Log(Call())).ThenNothing();
}

TEST(InteractionDecider, OtherContentCorrects) {
  InteractionContent wanted = Call();
  wanted.summary = "Asked for Bea's order";
  wanted.occurred_time = {1'400'000'000, 0};
  const v1::InteractionEvent event = Corrected(Call(), wanted);
  EXPECT_EQ(event.corrected().previous_occurred_time().seconds(), 1'500'000'000);
  GivenInteraction({Logged(Call())}).When(Log(wanted)).ThenRecorded({event});
  EXPECT_EQ(Fold<InteractionDecider>({Logged(Call()), event}).content, wanted);
}

TEST(InteractionDecider, ErasedInteractionTakesNoCorrectionAndHoldsNothingPersonal) {
  const std::vector<v1::InteractionEvent> history = {Logged(Call()),
                                                     Erased<v1::InteractionEvent>()};
  GivenInteraction(history).When(Log(Call())).ThenRefused("INTERACTION_ERASED");
  const Interaction interaction = Fold<InteractionDecider>(history);
  EXPECT_EQ(interaction.content.summary, "");
  EXPECT_TRUE(interaction.content.participants.empty());
  EXPECT_EQ(interaction.external_key, std::nullopt);
  EXPECT_EQ(interaction.content.channel, "phone");
}

// --- laws of both

template <typename D>
class FactProperty : public ::testing::Test {};
using Deciders = ::testing::Types<OrderDecider, InteractionDecider>;
TYPED_TEST_SUITE(FactProperty, Deciders);

constexpr uint64_t kSeeds = 1000;

TYPED_TEST(FactProperty, DecidingTwiceGivesNothingNewAndWhatWasAsked) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    using State = typename TypeParam::State;
    const State before = Fold<TypeParam>(draw.AHistory<TypeParam>());
    const auto command = draw.ACommand(static_cast<const State*>(nullptr));
    const auto events = TypeParam::Decide(before, command);
    ASSERT_TRUE(events.ok()) << events.status();
    State after = before;
    for (const auto& event : *events) after = TypeParam::Evolve(std::move(after), event);
    EXPECT_EQ(after.content, command.content);
    EXPECT_EQ(events->empty(),
              before.lifecycle == Lifecycle::kRecorded && before.content == command.content);
    const auto again = TypeParam::Decide(after, command);
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again->empty());
  }
}

// Events pass through bytes, as they do in the log.
TYPED_TEST(FactProperty, StateAfterDecisionsIsStateAfterReplay) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    using State = typename TypeParam::State;
    State live;
    std::vector<typename TypeParam::Event> log;
    for (int i = 0; i < 6; ++i) {
      const auto events =
          TypeParam::Decide(live, draw.ACommand(static_cast<const State*>(nullptr)));
      for (const auto& event : *events) {
        live = TypeParam::Evolve(std::move(live), event);
        ASSERT_TRUE(log.emplace_back().ParseFromString(event.SerializeAsString()));
      }
    }
    EXPECT_EQ(Fold<TypeParam>(log), live);
  }
}

TYPED_TEST(FactProperty, AnyOrderOfEventsFoldsAndErasureLaw) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    using State = typename TypeParam::State;
    auto plain = draw.AHistory<TypeParam>();
    for (int i = draw.Below(4); i > 0; --i) {
      plain.push_back(draw.AnEvent(static_cast<const State*>(nullptr)));
    }
    std::vector<typename TypeParam::Event> shredded;
    for (const auto& event : plain) shredded.push_back(Shredded(event));
    EXPECT_EQ(Fold<TypeParam>(shredded).lifecycle, Fold<TypeParam>(plain).lifecycle);
    plain.push_back(Erased<typename TypeParam::Event>());
    shredded.push_back(plain.back());
    EXPECT_EQ(Fold<TypeParam>(shredded), Fold<TypeParam>(plain));
  }
}

}  // namespace
}  // namespace crm::interaction
