#pragma once

#include <string_view>

#include "common/aggregate/aggregate.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/tenant.h"

namespace crm::contact {

// Binds TenantDecider to the core: "tenants/{tenant}", its row the resource as GetTenant answers
// it.
struct TenantAggregate {
  using Decider = TenantDecider;
  using Resource = v1::Tenant;
  using Record = v1::ContactRecord;
  static constexpr int kRecordField = v1::ContactRecord::kTenantFieldNumber;
  static constexpr std::string_view kCollection = "tenants";

  static v1::TenantEvent* Mutable(v1::ContactRecord* record) { return record->mutable_tenant(); }
  static Tenant Load(const v1::Tenant& resource);
  static v1::Tenant Store(const Tenant& tenant, const AggregateInfo& info);
};

using TenantAggregateType = TypedAggregateType<TenantAggregate>;

}  // namespace crm::contact
