#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/interaction/domain/fact.h"

namespace crm::interaction {

// Reason of refusals.
inline constexpr std::string_view kOrderErased = "ORDER_ERASED";

// Of a line and of an order, either way, in minor units.
inline constexpr int64_t kMaxAmountMinor = 1'000'000'000'000'000;

struct OrderLine {
  std::string product;
  int64_t quantity = 0;
  int64_t amount_minor = 0;
  bool operator==(const OrderLine&) const = default;
};

// Sum of the lines' amounts; nothing where 64 bits do not hold it.
std::optional<int64_t> TotalOf(std::span<const OrderLine> lines);

// What was bought. The fields mean what they mean in crm.interaction.v1.Order.
struct OrderContent {
  Instant occurred_time;
  std::string currency_code;
  std::vector<OrderLine> lines;
  // TotalOf(lines).
  int64_t total_minor = 0;
  std::string place;
  bool operator==(const OrderContent&) const = default;
};

// What the rules need to know of one order. Only Evolve builds it.
struct Order {
  Lifecycle lifecycle = Lifecycle::kUnknown;
  OrderContent content;
  // Set at birth, then immutable.
  std::optional<ExternalKey> external_key;
  bool operator==(const Order&) const = default;
};

struct RecordOrder {
  OrderContent content;
  std::optional<ExternalKey> external_key;
};

// `Message` is v1::Order, v1::OrderRecorded or v1::OrderCorrected.
template <typename Message>
void WriteContent(const OrderContent& content, Message* message);
template <typename Message>
OrderContent ReadContent(const Message& message);

// The erasure law: folding a history without its personal parts and then SubjectErased gives the
// same state as folding the whole history and then SubjectErased. What was bought, where and when
// is kept: it belongs to a pseudonym then.
struct OrderDecider {
  using State = Order;
  using Event = v1::OrderEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State order, const Event& event);

  //             unknown     recorded                              erased
  //   Record    recorded    corrected; nothing, if as recorded    ORDER_ERASED
  static absl::StatusOr<Events> Decide(const State& order, const RecordOrder& command);
};

template <typename Message>
void WriteContent(const OrderContent& content, Message* message) {
  WriteInstant(content.occurred_time, message->mutable_occurred_time());
  message->set_currency_code(content.currency_code);
  for (const OrderLine& line : content.lines) {
    v1::OrderLine* added = message->add_lines();
    added->set_product(line.product);
    added->set_quantity(line.quantity);
    added->set_amount_minor(line.amount_minor);
  }
  message->set_total_minor(content.total_minor);
  message->set_place(content.place);
}

template <typename Message>
OrderContent ReadContent(const Message& message) {
  OrderContent content{.occurred_time = ReadInstant(message.occurred_time()),
                       .currency_code = message.currency_code(),
                       .total_minor = message.total_minor(),
                       .place = message.place()};
  content.lines.reserve(static_cast<size_t>(message.lines_size()));
  for (const v1::OrderLine& line : message.lines()) {
    content.lines.push_back({line.product(), line.quantity(), line.amount_minor()});
  }
  return content;
}

}  // namespace crm::interaction
