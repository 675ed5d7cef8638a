#include "tools/crmctl/served_services.h"

#include "common/base/clock.h"
#include "services/analytics/api/analytics_service.h"
#include "services/campaign/api/campaign_service.h"
#include "services/contact/api/contact_service.h"
#include "services/interaction/api/interaction_service.h"

namespace crm::crmctl {

std::vector<ServiceDefinition> ServedServices() {
  // Nothing is decided here: no clock is asked.
  static const ManualClock clock(0);
  std::vector<ServiceDefinition> services;
  services.push_back(contact::MakeContactService({}));
  services.push_back(interaction::MakeInteractionService({clock}));
  services.push_back(campaign::MakeCampaignService({"outbox"}, clock));
  services.push_back(analytics::MakeAnalyticsService());
  return services;
}

}  // namespace crm::crmctl
