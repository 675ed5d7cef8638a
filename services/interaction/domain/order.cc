#include "services/interaction/domain/order.h"

#include <utility>

#include "common/base/timestamp.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::interaction {

static_assert(DeciderOf<OrderDecider, RecordOrder>);

namespace {

using Events = OrderDecider::Events;
using v1::OrderEvent;

absl::Status IsErased() {
  return Refused(kOrderErased, "the customer was erased; the order takes no more corrections");
}

Events One(OrderEvent event) {
  Events events;
  events.push_back(std::move(event));
  return events;
}

// The personal part is always set, so that its presence tells nothing.
template <typename Message>
void Write(const OrderContent& content, const std::optional<ExternalKey>& key, Message* message) {
  WriteContent(content, message);
  WriteExternalKey(key, message->mutable_plain());
}

Events Recorded(const RecordOrder& command) {
  OrderEvent event;
  Write(command.content, command.external_key, event.mutable_recorded());
  return One(std::move(event));
}

void WritePrevious(const OrderContent& before, v1::OrderCorrected* corrected) {
  corrected->set_previous_currency_code(before.currency_code);
  corrected->set_previous_total_minor(before.total_minor);
  WriteInstant(before.occurred_time, corrected->mutable_previous_occurred_time());
  corrected->set_previous_occurred_time_ns(ToTimeNs(corrected->previous_occurred_time()));
  for (const OrderLine& line : before.lines) {
    v1::OrderLine* added = corrected->add_previous_lines();
    added->set_product(line.product);
    added->set_quantity(line.quantity);
    added->set_amount_minor(line.amount_minor);
  }
}

Events Corrected(const Order& order, const RecordOrder& command) {
  OrderEvent event;
  Write(command.content, order.external_key, event.mutable_corrected());
  WritePrevious(order.content, event.mutable_corrected());
  return One(std::move(event));
}

Order Born(const v1::OrderRecorded& event) {
  return {.lifecycle = Lifecycle::kRecorded,
          .content = ReadContent(event),
          .external_key = ReadExternalKey(event.plain())};
}

Order Changed(Order order, const v1::OrderCorrected& event) {
  order.content = ReadContent(event);
  return order;
}

Order Erased(Order order) {
  order.lifecycle = Lifecycle::kErased;
  order.external_key.reset();
  return order;
}

}  // namespace

std::optional<int64_t> TotalOf(std::span<const OrderLine> lines) {
  int64_t total = 0;
  for (const OrderLine& line : lines) {
    if (__builtin_add_overflow(total, line.amount_minor, &total)) return std::nullopt;
  }
  return total;
}

Order OrderDecider::Evolve(Order order, const OrderEvent& event) {
  if (order.lifecycle == Lifecycle::kErased) return order;
  switch (event.event_case()) {
    case OrderEvent::kRecorded:
      return Born(event.recorded());
    case OrderEvent::kCorrected:
      if (order.lifecycle == Lifecycle::kUnknown) return order;
      return Changed(std::move(order), event.corrected());
    case OrderEvent::kErased:
      return Erased(std::move(order));
    case OrderEvent::EVENT_NOT_SET:
      return order;
  }
  return order;
}

absl::StatusOr<Events> OrderDecider::Decide(const Order& order, const RecordOrder& command) {
  if (order.lifecycle == Lifecycle::kErased) return IsErased();
  if (order.lifecycle == Lifecycle::kUnknown) return Recorded(command);
  if (order.content == command.content) return Events();
  return Corrected(order, command);
}

}  // namespace crm::interaction
