// crm-contact: the contact service of the CRM: people, organisations, consents, life cycles.

#include <utility>
#include <vector>

#include "common/service/server_main.h"
#include "services/contact/api/contact_service.h"

int main(int argc, char** argv) {
  return crm::RunServer(
      argc, argv,
      {"crm-contact",
       "The contact service of the CRM: people, organisations, consents, life cycles.",
       [](const crm::ServerOptions& options,
          const crm::Clock&) -> absl::StatusOr<std::vector<crm::ServiceDefinition>> {
         const auto contact =
             crm::contact::CheckContactOptions({options.default_region, options.default_language});
         if (!contact.ok()) return contact.status();
         std::vector<crm::ServiceDefinition> services;
         services.push_back(crm::contact::MakeContactService(*contact));
         return services;
       }});
}
