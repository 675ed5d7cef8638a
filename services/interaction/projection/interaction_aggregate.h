#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/interaction/domain/interaction.h"

namespace crm::interaction {

// Binds InteractionDecider to the core, whose row of an interaction is the resource as
// GetInteraction answers it.
struct InteractionAggregate {
  using Decider = InteractionDecider;
  using Resource = v1::Interaction;
  using Record = v1::InteractionRecord;
  static constexpr int kRecordField = v1::InteractionRecord::kInteractionFieldNumber;
  static constexpr std::string_view kCollection = "interactions";

  static v1::InteractionEvent* Mutable(v1::InteractionRecord* record) {
    return record->mutable_interaction();
  }
  // An interaction that is known has an occurred_time.
  static Interaction Load(const v1::Interaction& resource);
  // The time of erasure is that of the last event: an erased interaction records nothing more.
  static v1::Interaction Store(const Interaction& interaction, const AggregateInfo& info);
};

using InteractionAggregateType = TypedAggregateType<InteractionAggregate>;

}  // namespace crm::interaction
