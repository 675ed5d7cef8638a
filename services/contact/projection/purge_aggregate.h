#pragma once

#include <google/longrunning/operations.pb.h>

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/purge.h"

namespace crm::contact {

// Binds PurgeDecider to the core: "operations/{operation}", its row the operation as GetOperation
// answers it: metadata PurgeContactsMetadata, response PurgeContactsResponse, CANCELLED where it
// was cancelled.
struct PurgeAggregate {
  using Decider = PurgeDecider;
  using Resource = google::longrunning::Operation;
  using Record = v1::ContactRecord;
  static constexpr int kRecordField = v1::ContactRecord::kPurgeFieldNumber;
  static constexpr std::string_view kCollection = "operations";

  static v1::PurgeEvent* Mutable(v1::ContactRecord* record) { return record->mutable_purge(); }
  static PurgeRun Load(const google::longrunning::Operation& resource);
  static google::longrunning::Operation Store(const PurgeRun& run, const AggregateInfo& info);
};

using PurgeAggregateType = TypedAggregateType<PurgeAggregate>;

}  // namespace crm::contact
