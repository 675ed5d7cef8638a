#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/config/server_options.h"
#include "common/service/admin_service.h"
#include "common/service/service_host.h"

namespace crm {

class EmbeddedLogEngine;
class ProcessTelemetry;

// Everything between main.cc and the services: secret, log engine, hosts, API server and admin
// port, started in order and stopped in the reverse one. One instance a process.
class Process {
 public:
  // `services` are hosted over one log. Clock and randomness outlive the process object.
  Process(ServerConfig config, std::vector<ServiceDefinition> services, const Clock& clock,
          Random& random);
  // Stops where Stop was not called.
  ~Process();

  // Blocks while projections are built. An error names what is wrong and the remedy.
  absl::Status Start();

  // Unready, then no new calls; answers every call that was accepted; closes the stores.
  void Stop();

  int api_port() const;

 private:
  absl::Status OpenLog();
  absl::Status StartHosts();
  absl::Status StartServers();
  absl::Status WriteEndpoints() const;
  std::string ApiAddress() const;
  bool CaughtUp();
  void Tick();
  void Heal();

  const ServerConfig config_;
  const ServerOptions& options_ = config_.options;
  std::vector<ServiceDefinition> definitions_;
  const Clock& clock_;
  Random& random_;
  PlainSealer sealer_;
  std::unique_ptr<ProcessTelemetry> telemetry_;
  std::unique_ptr<Secret> secret_;
  std::unique_ptr<EmbeddedLogEngine> engine_;
  std::unique_ptr<StorageBudget> budget_;
  std::unique_ptr<WorkQueue> queries_;
  std::vector<std::unique_ptr<ServiceHost>> hosts_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<RpcServer> server_;
  std::thread ticker_;
  std::thread healer_;
  std::atomic<bool> started_{false};
  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<TimeNs> heartbeat_{0};
};

}  // namespace crm
