#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/rpc/call.h"
#include "common/service/position_tokens.h"
#include "common/service/served_projection.h"

namespace crm {

// Holds calls until projections have read what the calls ask for: `crm-min-position`, the log's end
// (`crm-consistency: strong`), or positions of the request. Thread-safe.
class PositionWaits {
 public:
  using Call = std::shared_ptr<UnaryCall>;

  struct Wait {
    // What is going to be read.
    std::vector<ServedProjection*> projections;
    std::vector<Partition> partitions;
    // Also up to the end of each projection's topic.
    bool strong = false;
    // Also up to here, in the topic of the first projection.
    PositionTracker::Targets at_least;
  };

  // Both outlive it.
  PositionWaits(const PositionTokens& tokens, const Clock& clock)
      : tokens_(tokens), clock_(clock) {}

  // Runs `go_on` once everything is read, on any thread, at once where it is already; else answers
  // the call: UNAVAILABLE (NOT_CAUGHT_UP) with the lag shortly before its deadline,
  // INVALID_ARGUMENT or OUT_OF_RANGE for tokens that are none of this log.
  void After(const Call& call, Wait wait, std::function<void()> go_on) const;

 private:
  // What one projection has to reach.
  struct Target {
    ServedProjection* projection;
    PositionTracker::Targets targets;
  };

  void ReadEnds(const Call& call, const Wait& wait, std::vector<Target> targets,
                std::function<void()> go_on) const;
  void WaitFor(const Call& call, std::vector<Target> targets, std::function<void()> go_on) const;

  const PositionTokens& tokens_;
  const Clock& clock_;
};

// The fault of a token a caller sent, as a fault of `field`; OUT_OF_RANGE stays what it is.
absl::Status TokenFault(const absl::Status& status, const char* field);

}  // namespace crm
