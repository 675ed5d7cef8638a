#pragma once

#include <google/protobuf/descriptor.h>

#include <memory>
#include <vector>

#include "common/rpc/server.h"
#include "common/telemetry/metrics.h"

namespace crm {

// Counts a server's calls under the names that gRPC dashboards know. Every series of the services
// given exists from the start; calls of others are not counted. Thread-safe, without locks of its
// own.
class RpcMetrics final : public RpcObserver {
 public:
  RpcMetrics(Metrics& metrics,
             const std::vector<const google::protobuf::ServiceDescriptor*>& services);
  ~RpcMetrics() override;

  void Started(std::string_view service, std::string_view method) override;
  void Handled(std::string_view service, std::string_view method, absl::StatusCode code,
               TimeNs duration) override;
  void Shed(std::string_view reason) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm
