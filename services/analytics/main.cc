// crm-analytics: the analytics service of the CRM: the 360 degree view, scores, figures.

#include <utility>
#include <vector>

#include "common/service/server_main.h"
#include "services/analytics/api/analytics_service.h"

int main(int argc, char** argv) {
  return crm::RunServer(
      argc, argv,
      {"crm-analytics", "The analytics service of the CRM: the 360 degree view, scores, figures.",
       [](const crm::ServerOptions&,
          const crm::Clock&) -> absl::StatusOr<std::vector<crm::ServiceDefinition>> {
         std::vector<crm::ServiceDefinition> services;
         services.push_back(crm::analytics::MakeAnalyticsService());
         return services;
       }});
}
