// crm-interaction: the interaction service of the CRM: interactions and orders.

#include <utility>
#include <vector>

#include "common/service/server_main.h"
#include "services/interaction/api/interaction_service.h"

int main(int argc, char** argv) {
  return crm::RunServer(
      argc, argv,
      {"crm-interaction", "The interaction service of the CRM: interactions and orders.",
       [](const crm::ServerOptions&,
          const crm::Clock& clock) -> absl::StatusOr<std::vector<crm::ServiceDefinition>> {
         std::vector<crm::ServiceDefinition> services;
         services.push_back(crm::interaction::MakeInteractionService({clock}));
         return services;
       }});
}
