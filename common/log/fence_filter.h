#pragma once

#include <string_view>
#include <vector>

#include "common/log/record.h"

namespace crm {

// Where a reader stands in the ownership history of a partition.
struct FenceState {
  // Offset of the latest ownership record; kNoOffset before the first.
  Offset fence = kNoOffset;
  // Sequence number the next valid event bears.
  int64_t next_seq = 1;

  bool operator==(const FenceState&) const = default;
};

// Decides which records of a partition count. A pure function of the log's prefix, so that
// replicas, rebuilds and outside readers agree (docs/fenced-log.md):
//
//   an event counts iff its fence is the latest ownership record's offset, its seq is the next, and
//   the event marked `last` of its command follows under the same fence.
//
// Not thread-safe.
class FenceFilter {
 public:
  enum class Verdict {
    // An event of a command that is not complete yet; kept.
    kPartial,
    // Completes a command: take it.
    kCommand,
    // An ownership, release, genesis or epoch record.
    kControl,
    // Written under a lost fence, out of sequence, or a duplicate.
    kVoid,
  };

  FenceFilter() = default;
  // Resumes at the end of a command.
  explicit FenceFilter(FenceState state) : state_(state) {}

  // Whether Next would take the record as an event of a command.
  bool Counts(const Record& record) const {
    return record.kind == RecordKind::kEvent && state_.fence != kNoOffset &&
           record.fence == state_.fence && record.seq == state_.next_seq;
  }
  // Whether Next would judge it kVoid.
  bool Voids(const Record& record) const {
    return record.kind == RecordKind::kForeign ||
           (record.kind == RecordKind::kEvent && !Counts(record));
  }
  // Judges the next record in offset order.
  Verdict Next(Record record);

  // After kCommand: the command's events in order.
  std::vector<Record> TakeCommand();

  const FenceState& state() const { return state_; }
  // Records judged void, and events of commands that were never completed.
  int64_t void_records() const { return void_records_; }

 private:
  FenceState state_;
  std::vector<Record> partial_;
  int64_t void_records_ = 0;
};

}  // namespace crm
