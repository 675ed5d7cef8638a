#pragma once

#include <google/protobuf/message.h>

#include <array>
#include <string>

#include "common/projection/partition_fold.h"
#include "tests/golden/golden_file.h"

namespace crm::testing {

// Writes a golden log of one topic to stdout, as the owners of its partitions record it. Not
// thread-safe.
class GoldenWriter {
 public:
  // Stays the caller's, as all it is given.
  explicit GoldenWriter(const EventSource& source) : source_(source) {}

  // A new owner.
  void Own(const std::string& what, Partition partition);

  // The event as its owner records it; a first owner comes before it where there is none. `record`
  // has metadata.
  void Event(const std::string& what, const google::protobuf::Message& record, bool last = true);

  // A value that no reader decodes, of the subject of `record`.
  void Unreadable(const std::string& what, const google::protobuf::Message& record,
                  std::string value);

 private:
  struct Lane {
    // The genesis record is at 0.
    Offset next = 1;
    Offset fence = kNoOffset;
    int64_t seq = 0;
  };

  std::string KeyOf(const google::protobuf::Message& record) const;
  void Put(GoldenRecord golden, bool last);
  void Write(const GoldenRecord& golden);

  const EventSource& source_;
  std::array<Lane, kPartitions> lanes_;
};

}  // namespace crm::testing
