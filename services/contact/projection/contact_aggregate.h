#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/contact.h"

namespace crm::contact {

// Binds ContactDecider to the core, whose row of a contact is the resource as GetContact answers
// it.
struct ContactAggregate {
  using Decider = ContactDecider;
  using Resource = v1::Contact;
  using Record = v1::ContactRecord;
  static constexpr int kRecordField = v1::ContactRecord::kContactFieldNumber;
  static constexpr std::string_view kCollection = "contacts";

  static v1::ContactEvent* Mutable(v1::ContactRecord* record) { return record->mutable_contact(); }
  static Contact Load(const v1::Contact& resource);
  // An erased contact shows erase_time alone, a purged one purge_time. What is not known at all has
  // a name only. Load needs the create_time that Store was given.
  static v1::Contact Store(const Contact& contact, const AggregateInfo& info);
};

using ContactAggregateType = TypedAggregateType<ContactAggregate>;

}  // namespace crm::contact
