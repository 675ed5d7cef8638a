#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/rpc/call.h"
#include "common/service/position_waits.h"
#include "common/service/served_projection.h"

namespace crm {

// Of this tenant a process always knows.
inline constexpr std::string_view kDefaultTenant = "default";

// Lets calls through whose tenant is known: "default", and each whose events are in the log, be it
// that it was created or that it is older than that duty. Others are refused (FAILED_PRECONDITION,
// TENANT_UNKNOWN), but only after the logs' ends were read, so that a tenant is known to every
// process as soon as its creation was answered. Thread-safe.
class TenantGate {
 public:
  struct Reads {
    // Of the service: holds whom it has events of.
    ServedProjection& core;
    // Its view TenantsSeen over the topic in which tenants are created; null where that is the
    // service's own.
    ServedProjection* tenants = nullptr;
    const PositionWaits& waits;
  };
  // What it reads outlives it.
  explicit TenantGate(Reads reads) : reads_(reads) {}

  // The handler behind the gate, which outlives it.
  UnaryHandler Guard(UnaryHandler handler);

 private:
  using Call = std::shared_ptr<UnaryCall>;

  bool Remembers(const std::string& tenant);
  // Whether it is known now; remembered if so. UNAVAILABLE while a projection is being healed.
  absl::StatusOr<bool> Look(const std::string& tenant);
  absl::StatusOr<bool> Find(const std::string& tenant) const;
  void Ask(std::unique_ptr<UnaryCall> call, std::shared_ptr<const UnaryHandler> handler);

  const Reads reads_;
  Mutex mutex_;
  // A tenant never ceases to be known.
  absl::flat_hash_set<std::string> known_;
};

}  // namespace crm
