#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/config/server_options.h"
#include "common/rpc/server.h"
#include "common/service/service_host.h"

namespace crm {

// What a process tells about itself: its log, its metrics, and the admin port. Thread-safe.
class ProcessTelemetry {
 public:
  struct Probes {
    std::function<bool()> live;
    // OK, or what is missing.
    std::function<absl::Status()> started;
    std::function<absl::Status()> ready;
  };

  // `services` are those whose calls are counted.
  ProcessTelemetry(const ServerConfig& config, const Clock& clock, Probes probes,
                   const std::vector<const google::protobuf::ServiceDescriptor*>& services);
  ~ProcessTelemetry();

  // Opens the admin port. UNAVAILABLE: the address cannot be bound.
  absl::Status Start();
  void Stop();

  // host:port of the admin port, as bound.
  std::string admin_address() const;
  RpcObserver* rpc_observer();

  void AppendTook(TimeNs duration);

  // One line of the process's log, for people.
  void Note(const std::string& text);
  // A line of a library, as a warning; the same again only after a while, with its count.
  void NoteAlarm(const std::string& text);
  // One that a person must act on.
  void NoteFault(const std::string& text);
  // A rebuild at start goes on; logged now and then.
  void Rebuilding(const std::string& projection, const RebuildProgress& progress);

  // Hosts whose positions and counts the metrics show; empty before they go away.
  void Watch(std::vector<ServiceHost*> hosts);

  // For the process's own thread: waits, at most so long, for StopWaiting.
  void WaitForStop(TimeNs longest);
  void StopWaiting();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm
