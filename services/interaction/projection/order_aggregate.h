#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/interaction/domain/order.h"

namespace crm::interaction {

// Binds OrderDecider to the core, whose row of an order is the resource as GetOrder answers it.
struct OrderAggregate {
  using Decider = OrderDecider;
  using Resource = v1::Order;
  using Record = v1::InteractionRecord;
  static constexpr int kRecordField = v1::InteractionRecord::kOrderFieldNumber;
  static constexpr std::string_view kCollection = "orders";

  static v1::OrderEvent* Mutable(v1::InteractionRecord* record) { return record->mutable_order(); }
  // An order that is known has an occurred_time.
  static Order Load(const v1::Order& resource);
  // The time of erasure is that of the last event: an erased order records nothing more.
  static v1::Order Store(const Order& order, const AggregateInfo& info);
};

using OrderAggregateType = TypedAggregateType<OrderAggregate>;

}  // namespace crm::interaction
