#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/config/server_options.h"
#include "common/service/admin_service.h"
#include "common/service/operations_service.h"
#include "common/service/process_telemetry.h"
#include "common/service/service_host.h"

namespace crm {

class Forwarder;
class LogEngine;

// Everything between main.cc and the services: secret, log engine, hosts, API server and admin
// port, started in order and stopped in the reverse one. One instance a process.
class Process {
 public:
  // `services` are hosted over one log. Clock and randomness outlive the process object.
  Process(ServerConfig config, std::vector<ServiceDefinition> services, const Clock& clock,
          Random& random);
  // Stops where Stop was not called.
  ~Process();

  // Before Start: told once, on some thread, when another process took this one's instance name;
  // it must leave then.
  void OnReplaced(std::function<void()> replaced) { replaced_ = std::move(replaced); }

  // Blocks while brokers are waited for and projections are built; meanwhile the process is live,
  // and /readyz says what it waits for. An error names what is wrong and the remedy.
  absl::Status Start();
  // From another thread: Start gives up soon, CANCELLED where nothing else is wrong.
  void Interrupt();
  // Start waits for the log and holds nothing yet that would have to be closed.
  bool waiting_for_log() const { return waiting_for_log_; }

  // After Start has returned: unready, then no new calls; answers every call that was accepted;
  // closes the stores.
  void Stop();

  int api_port() const;

 private:
  ProcessTelemetry::Probes Probes();
  absl::Status Readiness();
  absl::Status OpenLog();
  absl::StatusOr<std::unique_ptr<LogEngine>> WaitForLog();
  void WaitingFor(const absl::Status& error);
  absl::Status StartHosts();
  absl::Status StartServers();
  absl::Status WriteEndpoints() const;
  std::string ApiAddress() const;
  HostOptions OptionsForHost();
  bool CaughtUp();
  void CheckLog();
  void Tick();
  void Heal();
  void Watch();

  const ServerConfig config_;
  const ServerOptions& options_ = config_.options;
  std::vector<ServiceDefinition> definitions_;
  const Clock& clock_;
  Random& random_;
  PlainSealer sealer_;
  std::unique_ptr<ProcessTelemetry> telemetry_;
  std::unique_ptr<Secret> secret_;
  std::unique_ptr<LogEngine> engine_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<StorageBudget> budget_;
  std::unique_ptr<WorkQueue> queries_;
  std::vector<std::unique_ptr<ServiceHost>> hosts_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<OperationsService> operations_;
  std::unique_ptr<RpcServer> server_;
  std::thread ticker_;
  std::thread healer_;
  std::thread watcher_;
  std::function<void()> replaced_;
  std::atomic<bool> hosts_made_{false};
  std::atomic<bool> waiting_for_log_{false};
  std::atomic<bool> started_{false};
  std::atomic<bool> ready_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<TimeNs> heartbeat_{0};
  Mutex mutex_;
  // What the start waits for, then what is wrong with the log; under the mutex.
  std::string obstacle_;
  // Why the log could not be reached when it was checked last; the watcher's own.
  std::string away_;
  // Faults of partitions that the process's log names already; likewise.
  std::set<std::string> told_;
  // What was wrong with the log when it was checked last; likewise.
  std::string told_of_log_;
  std::atomic<bool> was_replaced_{false};
};

}  // namespace crm
