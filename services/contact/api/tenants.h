#pragma once

#include <string>
#include <string_view>

#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/requests.h"
#include "services/contact/domain/tenant.h"

namespace crm::contact {

inline constexpr std::string_view kTenantCollection = "tenants";

// "tenants/{tenant}".
std::string TenantName(std::string_view tenant);

// Settings as they are kept: names NFC and trimmed, region and language canonical. Faults by path,
// "tenant.custom_fields[2].choices[0]".
TenantSettings NormaliseSettings(const v1::Tenant& tenant, FieldFaults& faults);

// From requests to commands over the call's own tenant. Copied into the service's methods; borrows
// the type.
class TenantRequests {
 public:
  explicit TenantRequests(const AggregateType& type) : type_(&type) {}

  PreparedCommand Create(const Caller& caller, const v1::CreateTenantRequest& request,
                         const NameMaker& names) const;
  PreparedCommand Update(const Caller& caller, const v1::UpdateTenantRequest& request,
                         const NameMaker& names) const;

 private:
  const AggregateType* type_;
};

}  // namespace crm::contact
