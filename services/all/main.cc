// crm-all: every service over one log, in one process.

#include <utility>
#include <vector>

#include "common/service/server_main.h"
#include "services/analytics/api/analytics_service.h"
#include "services/campaign/api/campaign_service.h"
#include "services/contact/api/contact_service.h"
#include "services/interaction/api/interaction_service.h"

int main(int argc, char** argv) {
  return crm::RunServer(
      argc, argv,
      {"crm-all", "CRM server: every service over gRPC, on one event log.",
       [](const crm::ServerOptions& options,
          const crm::Clock& clock) -> absl::StatusOr<std::vector<crm::ServiceDefinition>> {
         const auto contact =
             crm::contact::CheckContactOptions({options.default_region, options.default_language});
         if (!contact.ok()) return contact.status();
         std::vector<crm::ServiceDefinition> services;
         services.push_back(crm::contact::MakeContactService(*contact));
         services.push_back(crm::interaction::MakeInteractionService({clock}));
         services.push_back(crm::campaign::MakeCampaignService({options.outbox_dir}, clock));
         services.push_back(crm::analytics::MakeAnalyticsService());
         return services;
       }});
}
