#include "services/contact/projection/tenant_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::contact {

Tenant TenantAggregate::Load(const v1::Tenant& resource) {
  return {.known = resource.has_create_time(), .settings = ReadSettings(resource)};
}

v1::Tenant TenantAggregate::Store(const Tenant& tenant, const AggregateInfo& info) {
  v1::Tenant resource;
  resource.set_name(info.name);
  WriteSettings(tenant.settings, &resource);
  resource.set_etag(std::to_string(info.version));
  // Shown where a command had nothing to record of it.
  if (info.version == 0) return resource;
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  return resource;
}

}  // namespace crm::contact
