#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"

namespace crm {

// A record that none of ours wrote.
struct StrangeRecord {
  std::optional<std::string> key;
  // Without one: a tombstone.
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Does to topics what somebody with access to the brokers may do behind our back. One thread.
class TopicTamper {
 public:
  // `codec`: none, gzip, snappy, lz4 or zstd.
  explicit TopicTamper(std::string bootstrap, const std::string& codec = "none");
  ~TopicTamper();

  // The record's offset, once it is in the log.
  absl::StatusOr<Offset> Produce(const std::string& topic, Partition partition,
                                 const StrangeRecord& record);
  // Takes away all records before `offset`.
  absl::Status Trim(const std::string& topic, Partition partition, Offset offset);
  // Returns when the brokers have agreed to it.
  absl::Status DeleteTopic(const std::string& topic);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace crm
