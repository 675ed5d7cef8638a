#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "services/interaction/domain/interaction.h"
#include "services/interaction/domain/order.h"
#include "tests/support/given_when_then.h"

// Interactions and orders, their events and random ones, for the tests of the interaction service.
namespace crm::interaction::testing {

inline OrderContent Basket() {
  OrderContent content{.occurred_time = {1'500'000'000, 7},
                       .currency_code = "CHF",
                       .lines = {{"milk", 2, 340}, {"bread", 1, 450}},
                       .total_minor = 790,
                       .place = "store-7"};
  return content;
}

inline InteractionContent Call() {
  InteractionContent content{.channel = "phone",
                             .direction = v1::Interaction::INBOUND,
                             .occurred_time = {1'500'000'000, 7},
                             .summary = "Asked when Ada's order comes",
                             .participants = {"Bea Clerk"}};
  return content;
}

inline RecordOrder Record(OrderContent content) {
  return {std::move(content), ExternalKey{"shop", "basket-1"}};
}

inline LogInteraction Log(InteractionContent content) {
  return {std::move(content), ExternalKey{"desk", "call-1"}};
}

template <typename Events>
auto OnlyEvent(const absl::StatusOr<Events>& events) {
  EXPECT_TRUE(events.ok() && events->size() == 1) << events.status();
  return events.ok() && !events->empty() ? (*events)[0] : typename Events::value_type();
}

inline v1::OrderEvent Recorded(const OrderContent& content) {
  return OnlyEvent(OrderDecider::Decide({}, Record(content)));
}

inline v1::OrderEvent Corrected(const OrderContent& before, const OrderContent& content) {
  const Order order{Lifecycle::kRecorded, before, ExternalKey{"shop", "basket-1"}};
  return OnlyEvent(OrderDecider::Decide(order, Record(content)));
}

inline v1::InteractionEvent Logged(const InteractionContent& content) {
  return OnlyEvent(InteractionDecider::Decide({}, Log(content)));
}

inline v1::InteractionEvent Corrected(const InteractionContent& before,
                                      const InteractionContent& content) {
  const Interaction interaction{Lifecycle::kRecorded, before, ExternalKey{"desk", "call-1"}};
  return OnlyEvent(InteractionDecider::Decide(interaction, Log(content)));
}

template <typename Event>
Event Erased() {
  Event event;
  event.mutable_erased()->set_reason("request");
  return event;
}

// What is left of an event once its key is destroyed.
inline v1::OrderEvent Shredded(v1::OrderEvent event) {
  if (event.has_recorded()) event.mutable_recorded()->clear_personal();
  if (event.has_corrected()) event.mutable_corrected()->clear_personal();
  return event;
}

inline v1::InteractionEvent Shredded(v1::InteractionEvent event) {
  if (event.has_logged()) event.mutable_logged()->clear_personal();
  if (event.has_corrected()) event.mutable_corrected()->clear_personal();
  return event;
}

template <typename D>
typename D::State Fold(const std::vector<typename D::Event>& events) {
  return crm::testing::Given<D>(events).state();
}

// Draws from few values, so that equal ones are frequent.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }

  std::string OneOf(const std::vector<std::string>& values) {
    return values[static_cast<size_t>(Below(static_cast<int>(values.size())))];
  }

  Instant ATime() { return {int64_t{Below(7) - 3} * 1'000'000'000, Below(2) * 5}; }

  OrderContent AnOrder() {
    OrderContent content{.occurred_time = ATime(), .currency_code = OneOf({"CHF", "USD"})};
    for (int i = Below(4); i > 0; --i) {
      content.lines.push_back({OneOf({"milk", "bread", "tea"}), Below(3), Below(5) - 1});
    }
    content.total_minor = *TotalOf(content.lines);
    content.place = OneOf({"", "store-7"});
    return content;
  }

  InteractionContent AnInteraction() {
    return {.channel = OneOf({"phone", "email"}),
            .direction = static_cast<v1::Interaction::Direction>(Below(3)),
            .occurred_time = ATime(),
            .summary = OneOf({"", "Ada", "Bea"}),
            .participants = std::vector<std::string>(static_cast<size_t>(Below(3)), "Cleo")};
  }

  RecordOrder ACommand(const Order*) {
    RecordOrder command{AnOrder(), {}};
    if (Below(2) == 0) command.external_key = ExternalKey{"shop", "1"};
    return command;
  }
  LogInteraction ACommand(const Interaction*) {
    LogInteraction command{AnInteraction(), {}};
    if (Below(2) == 0) command.external_key = ExternalKey{"desk", "1"};
    return command;
  }

  v1::OrderEvent AnEvent(const Order*) {
    switch (Below(5)) {
      case 0:
        return Below(3) == 0 ? Erased<v1::OrderEvent>() : v1::OrderEvent();
      case 1:
        return Shredded(Recorded(AnOrder()));
      case 2:
        return Recorded(AnOrder());
      default: {
        OrderContent other = AnOrder();
        other.place = "elsewhere";
        return Corrected(AnOrder(), other);
      }
    }
  }
  v1::InteractionEvent AnEvent(const Interaction*) {
    switch (Below(5)) {
      case 0:
        return Below(3) == 0 ? Erased<v1::InteractionEvent>() : v1::InteractionEvent();
      case 1:
        return Shredded(Logged(AnInteraction()));
      case 2:
        return Logged(AnInteraction());
      default: {
        InteractionContent other = AnInteraction();
        other.channel = "visit";
        return Corrected(AnInteraction(), other);
      }
    }
  }

  // A history that commands can lead to; empty at times.
  template <typename D>
  std::vector<typename D::Event> AHistory() {
    const typename D::State* const kind = nullptr;
    std::vector<typename D::Event> history;
    typename D::State state;
    for (int i = Below(6); i > 0; --i) {
      const auto events = D::Decide(state, ACommand(kind));
      for (const auto& event : *events) {
        state = D::Evolve(std::move(state), event);
        history.push_back(event);
      }
    }
    return history;
  }

 private:
  SeededRandom random_;
};

}  // namespace crm::interaction::testing
