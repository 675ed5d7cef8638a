#include "tools/crmctl/served_services.h"

#include "services/contact/api/contact_service.h"

namespace crm::crmctl {

std::vector<ServiceDefinition> ServedServices() {
  std::vector<ServiceDefinition> services;
  services.push_back(contact::MakeContactService({}));
  return services;
}

}  // namespace crm::crmctl
