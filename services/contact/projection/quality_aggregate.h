#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/quality.h"

namespace crm::contact {

// Binds QualityDecider to the core: the doubts about one contact, "contacts/{contact}/quality".
struct QualityAggregate {
  using Decider = QualityDecider;
  using Resource = v1::ContactQuality;
  using Record = v1::ContactRecord;
  static constexpr int kRecordField = v1::ContactRecord::kQualityFieldNumber;
  static constexpr std::string_view kCollection = "quality";

  static v1::QualityEvent* Mutable(v1::ContactRecord* record) { return record->mutable_quality(); }
  static ContactQuality Load(const v1::ContactQuality& resource);
  // Open issues first, each part in the order they were opened. The time of erasure is that of the
  // last event: of an erased contact nothing more is recorded.
  static v1::ContactQuality Store(const ContactQuality& quality, const AggregateInfo& info);
};

using QualityAggregateType = TypedAggregateType<QualityAggregate>;

}  // namespace crm::contact
