#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace crm {

// Values are stored: never renumber.
enum class RecordKind : uint8_t {
  // Somebody else's record in our topic, or no record at all at an offset (Kafka only): void for
  // every reader. `value` tells why, as a reason in capitals, a colon and a sentence; empty:
  // nothing
  // lies there. Never appended.
  kForeign = 0,
  kEvent = 1,
  kOwn = 2,
  kRelease = 3,
  kGenesis = 4,
  kEpoch = 5,
};

std::string_view KindName(RecordKind kind);

// One record of one partition, as it lies in the log.
struct Record {
  // Given by the log; kNoOffset before.
  Offset offset = kNoOffset;
  RecordKind kind = RecordKind::kEvent;
  // "tenant/subject" of an event; empty for control records and events that belong to no customer.
  std::string key;
  // The ownership record an event was written under, and its place under it: 1, 2, 3 …
  int64_t fence = 0;
  int64_t seq = 0;
  // The last event of its command.
  bool last = false;
  // An event: the topic's record message. Else: a LogControl.
  std::string value;
};

// Shared because the log's own thread and the lane that waits for it both read the records.
using RecordBatch = std::shared_ptr<const std::vector<Record>>;

// XXH3-128 over kind, key, fence, seq, last and value, each length-prefixed; 16 bytes. The offset
// is not part of it.
std::string RecordHash(const Record& record);

// "epoch-partition-fence-seq": the same for every reader.
std::string EventId(int64_t epoch, Partition partition, const Record& record);

}  // namespace crm
