#include "services/contact/domain/contact.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"
#include "services/contact/domain/golden_record.h"
#include "services/contact/domain/profile_message.h"

namespace crm::contact {

static_assert(DeciderOf<ContactDecider, CreateContact, UpdateContact, DeleteContact, UpsertContact,
                        UndeleteContact, PurgeContact, RecordAlias, LinkKey>);

namespace {

using common::v1::EventMetadata;
using Events = ContactDecider::Events;
using v1::ContactEvent;

absl::Status NoSuchContact() {
  return NotFound(kContactNotFound, "there is no contact of this name; create it first");
}
absl::Status Taken() {
  return AlreadyExists(kContactExists,
                       "a contact of this name exists; update or upsert it instead");
}
absl::Status IsDeleted() {
  return Refused(kContactDeleted, "the contact is deleted; undelete it before changing it");
}
absl::Status IsPurged() {
  return Refused(kContactPurged, "the contact was purged; create it anew");
}
absl::Status IsNotDeleted() {
  return Refused(kContactNotDeleted, "the contact lives; delete it before purging it");
}
absl::Status IsTakenKey() {
  return Refused(kExternalKeyTaken,
                 "the key has a contact or leads to another one; keys of theirs cannot be moved");
}
absl::Status HasTooManyKeys() {
  return Refused(kExternalKeysFull, "the contact has 200 further keys; link no more");
}
absl::Status IsErased() {
  return Refused(kContactErased, "the contact was erased; its name is not used again");
}

Events Nothing() {
  return {};
}

Events One(ContactEvent event) {
  Events events;
  events.push_back(std::move(event));
  return events;
}

Observed ObservedBy(const UpsertContact& command) {
  Observed observed = command.observed;
  if (observed.source.empty() && command.external_key) {
    observed.source = command.external_key->source;
  }
  return observed;
}

UpsertContact Birth(const CreateContact& command) {
  return {command.profile, command.mask, command.external_key, command.observed, {}};
}

UpsertContact Birth(const UpdateContact& command) {
  return {command.profile, command.mask, std::nullopt, command.observed, command.required_fields};
}

absl::StatusOr<Events> Created(const UpsertContact& command) {
  std::string missing = MissingAtBirth(command.profile, command.required_fields);
  if (!missing.empty()) return InvalidField(std::string(kCustomFieldsPath), std::move(missing));
  ContactEvent event;
  *event.mutable_created() = ObserveBirth(command);
  return One(std::move(event));
}

Events Changed(const Contact& contact, const UpdateContact& command) {
  auto changed = Observe(contact, command.profile, command.mask, command.observed);
  if (!changed) return Nothing();
  ContactEvent event;
  *event.mutable_profile_changed() = *std::move(changed);
  return One(std::move(event));
}

// Nobody is known by the name, or nobody any more.
bool IsUnknown(const Contact& contact) {
  return contact.existence == Existence::kUnknown || contact.existence == Existence::kPurged;
}

// Why the contact takes no commands at all.
absl::Status RefuseIfElsewhere(const Contact& contact) {
  if (contact.existence == Existence::kErased) return IsErased();
  if (contact.existence == Existence::kMoved) return Moved(contact.moved_to);
  return absl::OkStatus();
}

TimeNs RecordedTime(const EventMetadata& metadata) {
  return ToTimeNs(metadata.recorded_time());
}

Contact Deleted(Contact contact, const EventMetadata& metadata) {
  contact.existence = Existence::kDeleted;
  contact.end_time = RecordedTime(metadata);
  return contact;
}

Contact Undeleted(Contact contact) {
  contact.existence = Existence::kLiving;
  contact.end_time = 0;
  return contact;
}

Contact Purged(const EventMetadata& metadata) {
  return {.existence = Existence::kPurged, .end_time = RecordedTime(metadata)};
}

Contact Erased(const Contact& contact, const EventMetadata& metadata) {
  Contact left{.existence = Existence::kErased, .end_time = RecordedTime(metadata)};
  left.profile.kind = contact.profile.kind;
  left.profile.language_code = contact.profile.language_code;
  left.profile.region_code = contact.profile.region_code;
  left.profile.time_zone = contact.profile.time_zone;
  return left;
}

Contact Aliased(const v1::AliasRecorded& event) {
  return {.existence = Existence::kMoved,
          .external_key = ReadExternalKey(event.plain()),
          .moved_to = event.contact()};
}

bool HasKey(const Contact& contact, const ExternalKey& key) {
  const auto& linked = contact.linked_keys;
  return contact.external_key == key ||
         std::find(linked.begin(), linked.end(), key) != linked.end();
}

Contact Linked(Contact contact, const v1::ExternalKeyLinked& event) {
  const auto key = ReadExternalKey(event.plain());
  if (key && !HasKey(contact, *key)) contact.linked_keys.push_back(*key);
  return contact;
}

// What happened to a contact that lives or is deleted.
Contact EvolvedKnown(Contact contact, const ContactEvent& event, const EventMetadata& metadata) {
  const bool deleted = contact.existence == Existence::kDeleted;
  switch (event.event_case()) {
    case ContactEvent::kProfileChanged:
      return Changed(std::move(contact), event.profile_changed(), metadata);
    case ContactEvent::kDeleted:
      return Deleted(std::move(contact), metadata);
    case ContactEvent::kUndeleted:
      return Undeleted(std::move(contact));
    case ContactEvent::kPurged:
      return deleted ? Purged(metadata) : contact;
    case ContactEvent::kKeyLinked:
      return Linked(std::move(contact), event.key_linked());
    default:
      return contact;
  }
}

}  // namespace

std::string MissingAtBirth(const Profile& profile,
                           const std::vector<std::string>& required_fields) {
  std::string missing;
  for (const std::string& id : required_fields) {
    if (!profile.custom_fields.contains(id)) missing += (missing.empty() ? "" : ", ") + id;
  }
  return missing.empty() ? "" : "must have values of the required fields: " + missing;
}

absl::Status Moved(const std::string& contact) {
  return Error(absl::StatusCode::kFailedPrecondition, "MOVED",
               "the name is an alias of another contact; use that one's name",
               {{"contact", contact}});
}

absl::Status RefuseIfGone(Existence existence) {
  if (existence == Existence::kDeleted) return IsDeleted();
  if (existence == Existence::kErased) return IsErased();
  return absl::OkStatus();
}

Contact ContactDecider::Evolve(Contact contact, const ContactEvent& event,
                               const EventMetadata& metadata) {
  const bool known =
      contact.existence == Existence::kLiving || contact.existence == Existence::kDeleted;
  if (contact.existence == Existence::kErased) return contact;
  switch (event.event_case()) {
    case ContactEvent::kCreated:
      return Born(event.created(), metadata);
    case ContactEvent::kErased:
      return Erased(contact, metadata);
    case ContactEvent::kAliasRecorded:
      return known ? contact : Aliased(event.alias_recorded());
    case ContactEvent::kProfileChanged:
    case ContactEvent::kDeleted:
    case ContactEvent::kUndeleted:
    case ContactEvent::kPurged:
    case ContactEvent::kKeyLinked:
      return known ? EvolvedKnown(std::move(contact), event, metadata) : contact;
    case ContactEvent::EVENT_NOT_SET:
      return contact;
  }
  return contact;
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact,
                                              const CreateContact& command) {
  CRM_RETURN_IF_ERROR(RefuseIfElsewhere(contact));
  if (!IsUnknown(contact)) return Taken();
  return Created(Birth(command));
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact,
                                              const UpdateContact& command) {
  CRM_RETURN_IF_ERROR(RefuseIfElsewhere(contact));
  if (contact.existence == Existence::kDeleted) return IsDeleted();
  if (!IsUnknown(contact)) return Changed(contact, command);
  if (command.missing == IfMissing::kRefuse) return NoSuchContact();
  return Created(Birth(command));
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact,
                                              const DeleteContact& command) {
  CRM_RETURN_IF_ERROR(RefuseIfElsewhere(contact));
  if (IsUnknown(contact) && command.missing == IfMissing::kRefuse) return NoSuchContact();
  if (contact.existence != Existence::kLiving) return Nothing();
  ContactEvent event;
  event.mutable_deleted();
  return One(std::move(event));
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact,
                                              const UpsertContact& command) {
  CRM_RETURN_IF_ERROR(RefuseIfElsewhere(contact));
  if (IsUnknown(contact)) return Created(command);
  return Decide(contact, UpdateContact{command.profile, command.mask, ObservedBy(command)});
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact, const UndeleteContact&) {
  CRM_RETURN_IF_ERROR(RefuseIfElsewhere(contact));
  if (contact.existence == Existence::kUnknown) return NoSuchContact();
  if (contact.existence == Existence::kPurged) return IsPurged();
  if (contact.existence == Existence::kLiving) return Nothing();
  ContactEvent event;
  event.mutable_undeleted();
  return One(std::move(event));
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact, const PurgeContact&) {
  if (contact.existence == Existence::kLiving) return IsNotDeleted();
  if (contact.existence != Existence::kDeleted) return Nothing();
  ContactEvent event;
  event.mutable_purged();
  return One(std::move(event));
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact, const RecordAlias& command) {
  if (contact.existence == Existence::kErased) return IsErased();
  if (contact.moved_to == command.contact) return Nothing();
  if (!IsUnknown(contact)) return IsTakenKey();
  ContactEvent event;
  auto* recorded = event.mutable_alias_recorded();
  recorded->set_contact(command.contact);
  WriteExternalKey(command.key, recorded->mutable_plain());
  return One(std::move(event));
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact, const LinkKey& command) {
  CRM_RETURN_IF_ERROR(RefuseIfElsewhere(contact));
  if (IsUnknown(contact)) return NoSuchContact();
  if (HasKey(contact, command.key)) return Nothing();
  if (contact.linked_keys.size() >= kMaxLinkedKeys) return HasTooManyKeys();
  ContactEvent event;
  WriteExternalKey(command.key, event.mutable_key_linked()->mutable_plain());
  return One(std::move(event));
}

}  // namespace crm::contact
