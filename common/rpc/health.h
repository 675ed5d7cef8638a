#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/mutex.h"
#include "common/rpc/raw_service.h"
#include "grpc/health/v1/health.pb.h"

// Internal to common/rpc.
namespace crm {

// grpc.health.v1 on the server's own loops. gRPC's built-in service runs on its callback threads,
// which poll beside the loops: measured, that costs every call of the server a sixth of its CPU and
// a third of its latency when unloaded.

using ServingStatus = grpc::health::v1::HealthCheckResponse::ServingStatus;

// Told of a change, from any thread; must not block.
class HealthWatcher {
 public:
  virtual ~HealthWatcher() = default;
  virtual void Changed(ServingStatus status) = 0;
};

// What the server says of its services. Thread-safe.
class Health {
 public:
  // NOT_SERVING at first. Before the first use of anything else.
  void AddService(const std::string& name) { names_.push_back(name); }
  void SetServing(bool serving);
  // Nothing where there is no such service; the empty name is the server as a whole.
  std::optional<ServingStatus> Find(const std::string& name);

  // Calls `watcher` with the state now and with every change until removed. False: there are too
  // many.
  bool Watch(HealthWatcher* watcher, const std::string& name);
  // No call to it runs or comes after the return. Unknown ones are no error.
  void Unwatch(HealthWatcher* watcher);

 private:
  bool Knows(const std::string& name) const;

  // Immutable once in use.
  std::vector<std::string> names_;
  Mutex mutex_;
  bool serving_ = false;
  struct Entry {
    HealthWatcher* watcher;
    bool known;
  };
  std::vector<Entry> watchers_;
};

// Handler of Check.
UnaryHandler HealthCheck(Health& health);

// Calls of Watch on one loop. On the loop's thread; before it starts, the first time. Asks for the
// next call by itself from then on.
void RequestHealthWatches(const RawMethod& method, Health& health, CompletionLoop& loop);

}  // namespace crm
