#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/record.h"

namespace crm {

// What stands in the first records of every partition of a log.
struct LogIdentity {
  std::string log_id;
  std::string secret_check;
  // 0 until the log was restored from an older copy.
  int64_t epoch = 0;
};

// Records of one partition, in offset order, without a hole.
struct TailBatch {
  Partition partition = 0;
  std::vector<Record> records;
};

// A reader's place in one or more partitions. One thread polls; Wake may come from any.
class Tail {
 public:
  virtual ~Tail() = default;
  // The next records of one partition; blocks up to `max_wait` nanoseconds, then answers an empty
  // batch. Partitions take turns. Errors: DATA_LOSS (damage; the log was trimmed or replaced; names
  // the place), UNAVAILABLE.
  virtual absl::StatusOr<TailBatch> Poll(TimeNs max_wait) = 0;
  // Makes a Poll that waits, or else the next one, return at once.
  virtual void Wake() = 0;
};

struct TailStart {
  Partition partition = 0;
  // The first record to read; at most the partition's end.
  Offset from = 0;
};

// One topic of a log. Thread-safe. Every engine passes tests/conformance/log_suite.h.
//
// Guarantees: offsets of a partition grow by appending only; a record once readable never changes;
// what was delivered is readable by every later tail, after kill -9 too; a tail meets each record
// once and in order; EndOffset is at least every delivered offset + 1.
class Log {
 public:
  // The records' offsets in order, or UNAVAILABLE: they may or may not come to lie in the log, now
  // or later. kNoOffset: the record is durable, at a place the engine was not told; a tail brings
  // it. Runs on a thread of the engine and must not block.
  using AppendDone = std::function<void(absl::StatusOr<std::vector<Offset>>)>;
  using EndDone = std::function<void(absl::StatusOr<Offset>)>;

  virtual ~Log() = default;

  virtual const std::string& topic() const = 0;
  virtual const LogIdentity& identity() const = 0;

  // Queues the records; `done` runs once they are durable. Records of one partition keep the order
  // of the calls. RESOURCE_EXHAUSTED: the queue is full, nothing was queued and `done` never runs.
  virtual absl::Status Append(Partition partition, RecordBatch records, AppendDone done) = 0;

  // The offset after the last record, no older than the call. May run `done` before it returns.
  virtual void ReadEnd(Partition partition, EndDone done) = 0;

  // OUT_OF_RANGE: a start lies beyond the end, or below the beginning.
  virtual absl::StatusOr<std::unique_ptr<Tail>> OpenTail(std::vector<TailStart> starts) = 0;

  virtual absl::StatusOr<Offset> BeginOffset(Partition partition) = 0;
  // ReadEnd, waited for.
  virtual absl::StatusOr<Offset> EndOffset(Partition partition) = 0;
};

}  // namespace crm
