#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/log/log.h"

namespace crm {

// The token that covers several of this deployment: per topic and partition the greatest offset. Of
// several logs or epochs the last one's count; what is no token of the deployment covers nothing.
std::string MergePositions(const Secret& secret, Random& random,
                           const std::vector<std::string>& tokens);

// Makes and opens position tokens (PROTOCOL §5) of one log. Thread-safe.
class PositionTokens {
 public:
  // "Read this partition up to `offset`."
  struct Part {
    std::string_view topic;
    Partition partition = 0;
    Offset offset = 0;
  };
  using Targets = std::vector<std::pair<Partition, Offset>>;
  using TargetsByTopic = absl::flat_hash_map<std::string, Targets>;

  // `topic` is the one most tokens are about.
  PositionTokens(const Secret& secret, Random& random, std::string topic, LogIdentity identity)
      : secret_(secret),
        random_(random),
        topic_(std::move(topic)),
        identity_(std::move(identity)) {}

  // Of one partition of the topic.
  std::string Make(Partition partition, Offset offset);
  std::string Make(const std::vector<Part>& parts);

  // What the tokens ask; per topic and partition the greatest offset. INVALID_ARGUMENT: no token of
  // this deployment. OUT_OF_RANGE: of another log or another epoch.
  absl::StatusOr<TargetsByTopic> Open(const std::vector<std::string>& tokens) const;

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
