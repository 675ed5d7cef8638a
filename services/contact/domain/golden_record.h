#pragma once

#include <optional>

#include "services/contact/domain/contact.h"

// From observations to events, and from events to the contact they make.
namespace crm::contact {

// The birth of a contact that is not known.
v1::ContactCreated ObserveBirth(const UpsertContact& command);

// What observing the fields of `mask` with the values of `wanted` changes; nothing where it says
// nothing new.
std::optional<v1::ContactProfileChanged> Observe(const Contact& contact, const Profile& wanted,
                                                 const FieldMask& mask, const Observed& observed);

// The contact after its birth.
Contact Born(const v1::ContactCreated& event, const common::v1::EventMetadata& metadata);
// And after a change.
Contact Changed(Contact contact, const v1::ContactProfileChanged& event,
                const common::v1::EventMetadata& metadata);

// When what the event says was observed.
TimeNs ObservedTime(const common::v1::EventMetadata& metadata);
// Fields and values of an event's lists. A destroyed personal part reads as empty fields.
Profile ReadValues(const v1::ContactCreated& event);
Profile ReadValues(const v1::ContactProfileChanged& event);
Profile ReadSuperseded(const v1::ContactProfileChanged& event);

}  // namespace crm::contact
