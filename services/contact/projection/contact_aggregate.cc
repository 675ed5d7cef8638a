#include "services/contact/projection/contact_aggregate.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/timestamp.h"
#include "services/contact/domain/profile_message.h"

namespace crm::contact {
namespace {

// Every contact that was born has a kind, until it is purged.
Existence ExistenceOf(const v1::Contact& resource) {
  if (resource.has_erase_time()) return Existence::kErased;
  if (resource.has_purge_time()) return Existence::kPurged;
  if (!resource.moved_to().empty()) return Existence::kMoved;
  if (resource.kind() == v1::Contact::KIND_UNSPECIFIED) return Existence::kUnknown;
  return resource.has_delete_time() ? Existence::kDeleted : Existence::kLiving;
}

TimeNs EndTimeOf(const v1::Contact& resource) {
  if (resource.has_erase_time()) return ToTimeNs(resource.erase_time());
  if (resource.has_purge_time()) return ToTimeNs(resource.purge_time());
  return resource.has_delete_time() ? ToTimeNs(resource.delete_time()) : 0;
}

void SetEndTime(const Contact& contact, v1::Contact* resource) {
  if (contact.existence == Existence::kDeleted) {
    SetTimestamp(contact.end_time, resource->mutable_delete_time());
  }
  if (contact.existence == Existence::kErased) {
    SetTimestamp(contact.end_time, resource->mutable_erase_time());
  }
  if (contact.existence == Existence::kPurged) {
    SetTimestamp(contact.end_time, resource->mutable_purge_time());
  }
}

bool HasObservations(Existence existence) {
  return existence == Existence::kLiving || existence == Existence::kDeleted;
}

// What is not said of a contact whose values all came with its birth.
Attribution PlainRest(const std::optional<ExternalKey>& key, TimeNs create_time) {
  return {key ? key->source : "", create_time};
}

void ReadObservation(const v1::Observation& message, Observations* observations) {
  const Attribution by{message.source(),
                       message.has_observe_time() ? ToTimeNs(message.observe_time()) : kByDefault};
  if (message.fields().empty()) observations->rest = by;
  for (const std::string& field : message.fields()) {
    if (message.superseded()) {
      observations->superseded[{by.source, field}] = by.time;
    } else {
      observations->named[field] = by;
    }
  }
}

Observations ReadObservations(const v1::Contact& resource, const Contact& contact) {
  Observations observations;
  if (!HasObservations(contact.existence)) return observations;
  observations.rest = PlainRest(contact.external_key, ToTimeNs(resource.create_time()));
  for (const auto& each : resource.observations()) ReadObservation(each, &observations);
  return observations;
}

v1::Observation* AddObservation(const Attribution& by, v1::Contact* resource) {
  v1::Observation* added = resource->add_observations();
  added->set_source(by.source);
  if (by.time != kByDefault) SetTimestamp(by.time, added->mutable_observe_time());
  return added;
}

// What is shown, then what is not; each by source and time.
void WriteObservations(const Observations& observations, const Attribution& plain_rest,
                       v1::Contact* resource) {
  if (observations.rest != plain_rest) AddObservation(observations.rest, resource);
  std::map<std::pair<bool, Attribution>, std::vector<std::string>> groups;
  for (const auto& [field, by] : observations.named) groups[{false, by}].push_back(field);
  for (const auto& [what, time] : observations.superseded) {
    groups[{true, {what.first, time}}].push_back(what.second);
  }
  for (const auto& [group, fields] : groups) {
    v1::Observation* added = AddObservation(group.second, resource);
    added->set_superseded(group.first);
    for (const std::string& field : fields) added->add_fields(field);
  }
}

}  // namespace

Contact ContactAggregate::Load(const v1::Contact& resource) {
  Contact contact{.existence = ExistenceOf(resource)};
  ReadPersonal(resource, &contact.profile);
  ReadOthers(resource, &contact.profile);
  contact.external_key = ReadExternalKey(resource);
  for (const auto& key : resource.linked_keys()) {
    contact.linked_keys.push_back({key.source(), key.key()});
  }
  contact.observations = ReadObservations(resource, contact);
  contact.end_time = EndTimeOf(resource);
  contact.moved_to = resource.moved_to();
  return contact;
}

v1::Contact ContactAggregate::Store(const Contact& contact, const AggregateInfo& info) {
  v1::Contact resource;
  resource.set_name(info.name);
  if (info.version == 0) return resource;
  WritePersonal(contact.profile, &resource);
  WriteOthers(contact.profile, &resource);
  WriteExternalKey(contact.external_key, &resource);
  for (const ExternalKey& key : contact.linked_keys) {
    auto* linked = resource.add_linked_keys();
    linked->set_source(key.source);
    linked->set_key(key.key);
  }
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  SetEndTime(contact, &resource);
  resource.set_moved_to(contact.moved_to);
  if (HasObservations(contact.existence)) {
    WriteObservations(contact.observations, PlainRest(contact.external_key, info.create_time),
                      &resource);
  }
  return resource;
}

}  // namespace crm::contact
