#pragma once

#include <vector>

#include "common/rpc/server.h"
#include "common/service/service_host.h"

namespace crm {

// google.longrunning.Operations over the hosts of one process: a call goes to the service whose
// operations are named as the request's. DeleteOperation is UNIMPLEMENTED: an operation is history.
// Thread-safe.
class OperationsService {
 public:
  // The hosts outlive it; those without operations are left out.
  explicit OperationsService(const std::vector<ServiceHost*>& hosts);

  // Nothing where no service has operations. After the hosts' Register.
  void Register(RpcServer& server);

 private:
  // Passes a call on to the host that `name` (a resource, or a collection) belongs to.
  UnaryHandler Route(const std::string& method);

  struct Served {
    std::string pattern;
    ServiceHost* host;
  };
  std::vector<Served> served_;
};

}  // namespace crm
