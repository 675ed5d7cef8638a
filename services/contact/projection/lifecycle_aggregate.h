#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/lifecycle.h"

namespace crm::contact {

// Binds LifecycleDecider to the core: one stage a contact, "contacts/{contact}/lifecycle".
struct LifecycleAggregate {
  using Decider = LifecycleDecider;
  using Resource = v1::Lifecycle;
  using Record = v1::ContactRecord;
  static constexpr int kRecordField = v1::ContactRecord::kLifecycleFieldNumber;
  static constexpr std::string_view kCollection = "lifecycle";

  static v1::LifecycleEvent* Mutable(v1::ContactRecord* record) {
    return record->mutable_lifecycle();
  }
  static LifecycleState Load(const v1::Lifecycle& resource);
  // The time of erasure is that of the last event: an erased stage moves no more.
  static v1::Lifecycle Store(const LifecycleState& lifecycle, const AggregateInfo& info);
};

using LifecycleAggregateType = TypedAggregateType<LifecycleAggregate>;

}  // namespace crm::contact
