#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/consent.h"

namespace crm::contact {

// Binds ConsentDecider to the core: one ledger a contact, "contacts/{contact}/consents".
struct ConsentAggregate {
  using Decider = ConsentDecider;
  using Resource = v1::ConsentLedger;
  using Record = v1::ContactRecord;
  static constexpr int kRecordField = v1::ContactRecord::kConsentFieldNumber;
  static constexpr std::string_view kCollection = "consents";

  static v1::ConsentEvent* Mutable(v1::ContactRecord* record) { return record->mutable_consent(); }
  static ConsentLedger Load(const v1::ConsentLedger& resource);
  // The time of erasure is that of the last event: an erased ledger records nothing more.
  static v1::ConsentLedger Store(const ConsentLedger& ledger, const AggregateInfo& info);
};

using ConsentAggregateType = TypedAggregateType<ConsentAggregate>;

}  // namespace crm::contact
