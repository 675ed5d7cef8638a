#pragma once

#include <functional>
#include <string>

#include "common/log/fence_filter.h"
#include "common/projection/partition_fold.h"
#include "crm/admin/v1/admin_service.pb.h"

namespace crm {

// One record as people and programs look at it: frame, event type and times, and its content as
// text without personal fields.
admin::v1::LogEntry DescribeRecord(const EventSchema& schema, int64_t epoch, Partition partition,
                                   const Record& record, bool with_value);

// Reads one partition and says of each record whether every reader applies it. A partial command's
// events are held back until it is complete or void. Not thread-safe.
class LogReading {
 public:
  LogReading(const EventSchema& schema, int64_t epoch, Partition partition)
      : schema_(schema), epoch_(epoch), partition_(partition) {}

  // The next record in offset order; answers entries whose fate is decided now, in order of
  // decision.
  std::vector<admin::v1::LogEntry> Next(const Record& record);

 private:
  const EventSchema& schema_;
  const int64_t epoch_;
  const Partition partition_;
  FenceFilter filter_;
  // Events of the command that is not complete yet.
  std::vector<admin::v1::LogEntry> partial_;
};

// Everything wrong with one partition of a log, and its totals.
struct PartitionCheck {
  int64_t records = 0;
  int64_t events = 0;
  // Those of them that only say how far reactions came.
  int64_t reaction_events = 0;
  int64_t void_records = 0;
  int64_t undecodable = 0;
  // First problem; empty = sound.
  std::string problem;
  // XXH3-128 over the hashes of the valid events, in hex.
  std::string hash;
};

// Reads a partition from its beginning to its end as of now: contiguity, fences, decoding,
// versions.
absl::StatusOr<PartitionCheck> CheckLogPartition(Log& log, EventSource source, Partition partition);

}  // namespace crm
