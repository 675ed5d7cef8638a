#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/beside_contact.h"
#include "services/contact/api/requests.h"
#include "services/contact/api/tenant_options.h"

namespace crm::contact {

// From requests about the quality of contacts' data to commands. Copied into the service's methods;
// borrows the types.
class QualityRequests {
 public:
  QualityRequests(const ContactTypes& types, const TenantOptions& options)
      : types_(types), options_(options) {}

  // The field must be one of Contact, or declared by the tenant.
  PreparedCommand Open(const CommandContext& context,
                       const v1::OpenQualityIssueRequest& request) const;
  PreparedCommand Resolve(const Caller& caller, const v1::ResolveQualityIssueRequest& request,
                          const NameMaker& names) const;

 private:
  ContactTypes types_;
  TenantOptions options_;
};

// The scorecard of the caller's tenant, serialised.
absl::StatusOr<std::string> GetQualityScorecard(const QueryContext& context,
                                                const v1::GetQualityScorecardRequest& request,
                                                const ContactOptions& options);

}  // namespace crm::contact
