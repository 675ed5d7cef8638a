#include "services/contact/projection/contact_aggregate.h"

#include <string>

#include "common/base/timestamp.h"
#include "services/contact/domain/profile_message.h"

namespace crm::contact {
namespace {

// Every contact that was born has a kind.
Existence ExistenceOf(const v1::Contact& resource) {
  if (resource.has_erase_time()) return Existence::kErased;
  if (resource.kind() == v1::Contact::KIND_UNSPECIFIED) return Existence::kUnknown;
  return resource.has_delete_time() ? Existence::kDeleted : Existence::kLiving;
}

}  // namespace

Contact ContactAggregate::Load(const v1::Contact& resource) {
  Contact contact{.existence = ExistenceOf(resource)};
  ReadPersonal(resource, &contact.profile);
  ReadOthers(resource, &contact.profile);
  contact.external_key = ReadExternalKey(resource);
  return contact;
}

v1::Contact ContactAggregate::Store(const Contact& contact, const AggregateInfo& info) {
  v1::Contact resource;
  resource.set_name(info.name);
  WritePersonal(contact.profile, &resource);
  WriteOthers(contact.profile, &resource);
  WriteExternalKey(contact.external_key, &resource);
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (contact.existence == Existence::kDeleted) {
    SetTimestamp(info.update_time, resource.mutable_delete_time());
  }
  if (contact.existence == Existence::kErased) {
    SetTimestamp(info.update_time, resource.mutable_erase_time());
  }
  return resource;
}

}  // namespace crm::contact
