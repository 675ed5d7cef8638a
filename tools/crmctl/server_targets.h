#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace crm::crmctl {

// Servers by the services they host.
//
//   127.0.0.1:50051                                       all services
//   contact=10.0.0.1:50051,contact=10.0.0.2:50051,…       each service by its replicas
struct ServerTargets {
  struct Server {
    // "contact"; empty: all services.
    std::string service;
    // host:port.
    std::string address;
  };
  // In the order given; never empty.
  std::vector<Server> servers;

  // Places in `servers` of those that host the service.
  std::vector<size_t> Of(const std::string& service) const;
};

// INVALID_ARGUMENT (TARGET_MALFORMED) tells the form.
absl::StatusOr<ServerTargets> ParseTargets(const std::string& text);

// "contact" of "/crm.contact.v1.ContactService/GetContact" and of "crm.contact.events"; empty for
// what no service has for its own.
std::string ServiceOfMethod(const std::string& method);
std::string ServiceOfTopic(const std::string& topic);

}  // namespace crm::crmctl
