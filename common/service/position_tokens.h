#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/log/log.h"

namespace crm {

// The token that covers two of this deployment: per topic and partition the greater offset. Of two
// logs or epochs the second's counts.
std::string MergePositions(const Secret& secret, Random& random, const std::string& one,
                           const std::string& other);

// Makes and opens position tokens (PROTOCOL §5) for one topic. Thread-safe.
class PositionTokens {
 public:
  using Targets = std::vector<std::pair<Partition, Offset>>;

  PositionTokens(const Secret& secret, Random& random, std::string topic, LogIdentity identity)
      : secret_(secret),
        random_(random),
        topic_(std::move(topic)),
        identity_(std::move(identity)) {}

  // "Read partition up to `offset`."
  std::string Make(Partition partition, Offset offset);
  std::string Make(const Targets& parts);

  // What the tokens ask of this topic; per partition the greatest offset. Parts of other topics are
  // left out. INVALID_ARGUMENT: no token of this deployment. OUT_OF_RANGE: of another log or
  // another epoch.
  absl::StatusOr<Targets> Open(const std::vector<std::string>& tokens) const;

 private:
  const Secret& secret_;
  Random& random_;
  const std::string topic_;
  const LogIdentity identity_;
  // The latest token of each partition: reads of a partition that stands still repeat it.
  Mutex mutex_;
  std::array<std::pair<Offset, std::string>, kPartitions> latest_;
};

}  // namespace crm
