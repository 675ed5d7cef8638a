#pragma once

#include "crm/campaign/v1/campaign_service.pb.h"
#include "services/campaign/api/requests.h"

namespace crm::campaign {

// From requests about campaigns to commands. Copied into the service's methods; borrows the type
// and the clock.
class CampaignRequests {
 public:
  CampaignRequests(const AggregateType& type, const Clock& clock) : type_(&type), clock_(&clock) {}

  PreparedCommand Create(const Caller& caller, const v1::CreateCampaignRequest& request,
                         const NameMaker& names) const;
  PreparedCommand Update(const Caller& caller, const v1::UpdateCampaignRequest& request,
                         const NameMaker& names) const;
  PreparedCommand Launch(const Caller& caller, const v1::LaunchCampaignRequest& request,
                         const NameMaker& names) const;
  PreparedCommand Start(const Caller& caller, const v1::StartStepRequest& request,
                        const NameMaker& names) const;
  PreparedCommand End(const Caller& caller, const v1::EndCampaignRequest& request,
                      const NameMaker& names) const;

 private:
  const AggregateType* type_;
  const Clock* clock_;
};

}  // namespace crm::campaign
