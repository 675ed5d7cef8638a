#include "services/interaction/projection/order_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::interaction {
namespace {

Lifecycle LifecycleOf(const v1::Order& resource) {
  if (resource.has_erase_time()) return Lifecycle::kErased;
  return resource.has_occurred_time() ? Lifecycle::kRecorded : Lifecycle::kUnknown;
}

}  // namespace

Order OrderAggregate::Load(const v1::Order& resource) {
  return {.lifecycle = LifecycleOf(resource),
          .content = ReadContent(resource),
          .external_key = ReadExternalKey(resource)};
}

v1::Order OrderAggregate::Store(const Order& order, const AggregateInfo& info) {
  v1::Order resource;
  resource.set_name(info.name);
  if (order.lifecycle != Lifecycle::kUnknown) WriteContent(order.content, &resource);
  WriteExternalKey(order.external_key, &resource);
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (order.lifecycle == Lifecycle::kErased) {
    SetTimestamp(info.update_time, resource.mutable_erase_time());
  }
  return resource;
}

}  // namespace crm::interaction
