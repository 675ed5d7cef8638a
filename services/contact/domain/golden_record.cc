#include "services/contact/domain/golden_record.h"

#include <algorithm>
#include <tuple>

#include "common/base/timestamp.h"
#include "services/contact/domain/profile_fields.h"
#include "services/contact/domain/profile_message.h"

namespace crm::contact {
namespace {

using common::v1::EventMetadata;

// What an observation of one field comes to.
enum class Verdict { kNothing, kTaken, kConfirmed, kSuperseded };

bool Contains(const FieldMask& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Profile WithKind(Profile profile) {
  if (profile.kind == v1::Contact::KIND_UNSPECIFIED) profile.kind = v1::Contact::PERSON;
  return profile;
}

// `base` with the named fields taken from `wanted`.
template <typename Names>
Profile Merge(Profile base, const Profile& wanted, const Names& names) {
  for (const std::string& name : names) CopyField(wanted, name, &base);
  return base;
}

// The fields that are there, each once, in the order of ForEachField; custom fields one by one.
FieldMask Expand(const FieldMask& mask, const Profile& wanted, const Profile& now,
                 const Observed& observed) {
  FieldMask fields;
  ForEachField([&](std::string_view name, auto) {
    if (name != kCustomFields && Contains(mask, name)) fields.emplace_back(name);
  });
  CustomFields custom;
  const auto add = [&custom](const CustomFields& more) { custom.insert(more.begin(), more.end()); };
  if (Contains(mask, kCustomFields)) add(wanted.custom_fields);
  if (Contains(mask, kCustomFields) && !observed.time) add(now.custom_fields);
  for (const std::string& name : mask) {
    if (name.starts_with(CustomFieldName(""))) custom[name.substr(CustomFieldName("").size())];
  }
  for (const auto& [id, value] : custom) fields.push_back(CustomFieldName(id));
  return fields;
}

// Greater wins. The value itself decides between observations of one source and time.
std::strong_ordering Compare(const Contact& contact, const Attribution& standing,
                             const Profile& wanted, const Observed& observed,
                             const std::string& field) {
  static const Survivorship kOnlyTime;
  const Survivorship& rule = observed.rule != nullptr ? *observed.rule : kOnlyTime;
  const auto key = [&](const std::string& source, TimeNs time) {
    return std::tuple(-rule.Rank(field, source), time, source);
  };
  const auto place = key(observed.source, *observed.time) <=> key(standing.source, standing.time);
  if (place != 0) return place;
  return ValueBytes(wanted, field) <=> ValueBytes(contact.profile, field);
}

Verdict Judge(const Contact& contact, const Profile& wanted, const Observed& observed,
              const std::string& field) {
  const bool same = SameValue(contact.profile, wanted, field);
  if (!observed.time) return same ? Verdict::kNothing : Verdict::kTaken;
  const Observations& known = contact.observations;
  const Attribution* standing = known.Standing(field, HasValue(contact.profile, field));
  if (standing == nullptr) return same ? Verdict::kConfirmed : Verdict::kTaken;
  const auto place = Compare(contact, *standing, wanted, observed, field);
  if (place > 0) return same ? Verdict::kConfirmed : Verdict::kTaken;
  if (standing->source == observed.source) return Verdict::kNothing;
  const TimeNs* last = known.Superseded(observed.source, field);
  return last != nullptr && *last >= *observed.time ? Verdict::kNothing : Verdict::kSuperseded;
}

// The personal part is always set, so that its presence tells nothing.
template <typename Message>
void Write(const Profile& profile, Message* message) {
  WritePersonal(profile, message->mutable_plain());
  WriteOthers(profile, message);
}

template <typename Message>
Profile Read(const Message& message) {
  Profile profile;
  ReadPersonal(message.plain(), &profile);
  ReadOthers(message, &profile);
  return profile;
}

FieldMask ToMask(const google::protobuf::RepeatedPtrField<std::string>& names) {
  return {names.begin(), names.end()};
}

}  // namespace

TimeNs ObservedTime(const EventMetadata& metadata) {
  return ToTimeNs(metadata.has_occurred_time() ? metadata.occurred_time()
                                               : metadata.recorded_time());
}

Profile ReadValues(const v1::ContactCreated& event) {
  return WithKind(Read(event));
}

Profile ReadValues(const v1::ContactProfileChanged& event) {
  return Read(event);
}

Profile ReadSuperseded(const v1::ContactProfileChanged& event) {
  Profile profile;
  ReadPersonal(event.plain().superseded(), &profile);
  ReadOthers(event.plain().superseded(), &profile);
  return profile;
}

v1::ContactCreated ObserveBirth(const UpsertContact& command) {
  const Observed& observed = command.observed;
  FieldMask fields;
  Profile profile = command.profile;
  if (observed.time) {
    fields = Expand(command.mask, command.profile, {}, observed);
    profile = Merge(Profile{.language_code = profile.language_code}, profile, fields);
  }
  profile = WithKind(std::move(profile));

  v1::ContactCreated created;
  Write(profile, &created);
  WriteExternalKey(command.external_key, created.mutable_plain());
  const bool of_key = command.external_key && command.external_key->source == observed.source;
  if (!of_key) created.set_source(observed.source);
  if (!observed.time) return created;
  for (const std::string& field : fields) {
    if (!HasValue(profile, field)) created.add_cleared_fields(field);
  }
  for (const std::string& field : FieldsWithValue(profile)) {
    if (!Contains(fields, field)) created.add_unobserved_fields(field);
  }
  return created;
}

std::optional<v1::ContactProfileChanged> Observe(const Contact& contact, const Profile& asked,
                                                 const FieldMask& mask, const Observed& observed) {
  const Profile wanted = WithKind(asked);
  FieldMask taken;
  FieldMask superseded;
  v1::ContactProfileChanged changed;
  for (const std::string& field : Expand(mask, wanted, contact.profile, observed)) {
    const Verdict verdict = Judge(contact, wanted, observed, field);
    if (verdict == Verdict::kTaken) taken.push_back(field);
    if (verdict == Verdict::kConfirmed) changed.add_confirmed_fields(field);
    if (verdict == Verdict::kSuperseded) superseded.push_back(field);
  }
  if (taken.empty() && superseded.empty() && changed.confirmed_fields().empty()) {
    return std::nullopt;
  }
  Write(Merge(Profile{}, wanted, taken), &changed);
  changed.set_source(observed.source);
  for (std::string& field : taken) changed.add_changed_fields(std::move(field));
  if (superseded.empty()) return changed;
  const Profile values = Merge(Profile{}, wanted, superseded);
  WritePersonal(values, changed.mutable_plain()->mutable_superseded());
  WriteOthers(values, changed.mutable_plain()->mutable_superseded());
  for (std::string& field : superseded) changed.add_superseded_fields(std::move(field));
  return changed;
}

Contact Born(const v1::ContactCreated& event, const EventMetadata& metadata) {
  Contact contact{.existence = Existence::kLiving,
                  .profile = ReadValues(event),
                  .external_key = ReadExternalKey(event.plain())};
  Observations& known = contact.observations;
  known.rest = {event.source(), ObservedTime(metadata)};
  if (event.source().empty() && contact.external_key) {
    known.rest.source = contact.external_key->source;
  }
  for (const std::string& field : event.cleared_fields()) known.named[field] = known.rest;
  for (const std::string& field : event.unobserved_fields()) {
    known.named[field] = {.source = "", .time = kByDefault};
  }
  if (!known.named.empty()) known.Settle(contact.profile);
  return contact;
}

Contact Changed(Contact contact, const v1::ContactProfileChanged& event,
                const EventMetadata& metadata) {
  Observations& known = contact.observations;
  const Attribution by{event.source(), ObservedTime(metadata)};
  for (const auto* fields : {&event.changed_fields(), &event.confirmed_fields()}) {
    for (const std::string& field : *fields) {
      known.Take(field, HasValue(contact.profile, field), by);
    }
  }
  for (const std::string& field : event.superseded_fields()) known.Supersede(field, by);
  contact.profile =
      WithKind(Merge(std::move(contact.profile), Read(event), ToMask(event.changed_fields())));
  known.Settle(contact.profile);
  return contact;
}

}  // namespace crm::contact
