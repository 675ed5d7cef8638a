// crm-campaign: the campaign service of the CRM: segments, campaigns, send decisions.

#include <utility>
#include <vector>

#include "common/service/server_main.h"
#include "services/campaign/api/campaign_service.h"

int main(int argc, char** argv) {
  return crm::RunServer(
      argc, argv,
      {"crm-campaign", "The campaign service of the CRM: segments, campaigns, send decisions.",
       [](const crm::ServerOptions& options,
          const crm::Clock& clock) -> absl::StatusOr<std::vector<crm::ServiceDefinition>> {
         std::vector<crm::ServiceDefinition> services;
         services.push_back(crm::campaign::MakeCampaignService({options.outbox_dir}, clock));
         return services;
       }});
}
