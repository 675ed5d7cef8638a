#include "services/contact/domain/contact.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"
#include "services/contact/domain/profile_message.h"

namespace crm::contact {

static_assert(
    DeciderOf<ContactDecider, CreateContact, UpdateContact, DeleteContact, UpsertContact>);

namespace {

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
  return Refused(kContactDeleted, "the contact is deleted and takes no more changes");
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

template <typename Names>
bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// `base` with the fields named by `mask` taken from `wanted`.
template <typename Names>
Profile Merge(Profile base, const Profile& wanted, const Names& mask) {
  ForEachField([&](std::string_view name, auto field) {
    if (Contains(mask, name)) base.*field = wanted.*field;
  });
  return base;
}

FieldMask Difference(const Profile& a, const Profile& b) {
  FieldMask names;
  ForEachField([&](const char* name, auto field) {
    if (!(a.*field == b.*field)) names.emplace_back(name);
  });
  return names;
}

Profile WithKind(Profile profile) {
  if (profile.kind == v1::Contact::KIND_UNSPECIFIED) profile.kind = v1::Contact::PERSON;
  return profile;
}

// `message` is a ContactCreated or a ContactProfileChanged. The personal part is always set, so
// that its presence tells nothing.
template <typename Message>
void Write(const Profile& profile, Message* message) {
  WritePersonal(profile, message->mutable_plain());
  WriteOthers(profile, message);
}

// A destroyed personal part reads as empty fields.
template <typename Message>
Profile Read(const Message& message) {
  Profile profile;
  ReadPersonal(message.plain(), &profile);
  ReadOthers(message, &profile);
  return profile;
}

Events Created(const Profile& profile, const std::optional<ExternalKey>& external_key) {
  ContactEvent event;
  auto* created = event.mutable_created();
  Write(WithKind(profile), created);
  WriteExternalKey(external_key, created->mutable_plain());
  return One(std::move(event));
}

Events Changed(const Profile& now, const Profile& wanted, const FieldMask& mask) {
  const Profile merged = WithKind(Merge(now, wanted, mask));
  const FieldMask changed = Difference(now, merged);
  if (changed.empty()) return Nothing();
  ContactEvent event;
  auto* message = event.mutable_profile_changed();
  Write(Merge(Profile{}, merged, changed), message);
  for (const auto& name : changed) message->add_changed_fields(name);
  return One(std::move(event));
}

Contact Born(const v1::ContactCreated& event) {
  return {.existence = Existence::kLiving,
          .profile = WithKind(Read(event)),
          .external_key = ReadExternalKey(event.plain())};
}

Contact Evolved(Contact contact, const v1::ContactProfileChanged& event) {
  contact.profile =
      WithKind(Merge(std::move(contact.profile), Read(event), event.changed_fields()));
  return contact;
}

Contact Deleted(Contact contact) {
  contact.existence = Existence::kDeleted;
  return contact;
}

Contact Erased(const Contact& contact) {
  Contact left{.existence = Existence::kErased};
  left.profile.kind = contact.profile.kind;
  left.profile.language_code = contact.profile.language_code;
  left.profile.region_code = contact.profile.region_code;
  left.profile.time_zone = contact.profile.time_zone;
  return left;
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

absl::Status RefuseIfGone(Existence existence) {
  if (existence == Existence::kDeleted) return IsDeleted();
  if (existence == Existence::kErased) return IsErased();
  return absl::OkStatus();
}

Contact ContactDecider::Evolve(Contact contact, const ContactEvent& event) {
  const bool unknown = contact.existence == Existence::kUnknown;
  if (contact.existence == Existence::kErased) return contact;
  switch (event.event_case()) {
    case ContactEvent::kCreated:
      return Born(event.created());
    case ContactEvent::kProfileChanged:
      return unknown ? contact : Evolved(std::move(contact), event.profile_changed());
    case ContactEvent::kDeleted:
      return unknown ? contact : Deleted(std::move(contact));
    case ContactEvent::kErased:
      return Erased(contact);
    case ContactEvent::kUndeleted:
    case ContactEvent::kPurged:
    case ContactEvent::kKeyLinked:
    case ContactEvent::kAliasRecorded:
    case ContactEvent::EVENT_NOT_SET:
      return contact;
  }
  return contact;
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact,
                                              const CreateContact& command) {
  if (contact.existence == Existence::kErased) return IsErased();
  if (contact.existence != Existence::kUnknown) return Taken();
  return Created(command.profile, command.external_key);
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact,
                                              const UpdateContact& command) {
  if (contact.existence == Existence::kUnknown) return NoSuchContact();
  if (contact.existence == Existence::kDeleted) return IsDeleted();
  if (contact.existence == Existence::kErased) return IsErased();
  return Changed(contact.profile, command.profile, command.mask);
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact, const DeleteContact&) {
  if (contact.existence == Existence::kUnknown) return NoSuchContact();
  if (contact.existence == Existence::kErased) return IsErased();
  if (contact.existence == Existence::kDeleted) return Nothing();
  ContactEvent event;
  event.mutable_deleted();
  return One(std::move(event));
}

absl::StatusOr<Events> ContactDecider::Decide(const Contact& contact,
                                              const UpsertContact& command) {
  if (contact.existence == Existence::kUnknown) {
    std::string missing = MissingAtBirth(command.profile, command.required_fields);
    if (!missing.empty()) return InvalidField(std::string(kCustomFieldsPath), std::move(missing));
    return Created(command.profile, command.external_key);
  }
  return Decide(contact, UpdateContact{command.profile, command.mask});
}

}  // namespace crm::contact
