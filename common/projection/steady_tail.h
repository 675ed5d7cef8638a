#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/base/mutex.h"
#include "common/log/log.h"

namespace crm {

// Whether an error of a log passes by itself: the reader tries again.
bool Passes(const absl::Status& status);
// Whether an error says that the log is damaged, trimmed or replaced, rather than a store.
bool IsLogFault(const absl::Status& status);

// A tail over some partitions of a log that goes on with the others where one of them cannot be
// read any more, and that outlives errors of the log that pass. One thread polls; Wake may come
// from any.
class SteadyTail {
 public:
  struct Read {
    TailBatch batch;
    // Not OK: the partition of `batch` is damaged, trimmed or replaced; nothing of it is read any
    // more.
    absl::Status fault;
  };

  // The log outlives it.
  SteadyTail(Log& log, std::vector<TailStart> starts) : log_(log), starts_(std::move(starts)) {}

  // The next records, as Tail::Poll answers them; the log names the partition at fault in its error
  // (metadata "partition"). UNAVAILABLE: it goes on where it stood with a
  // later call. Any other error: it is not known which partition is at fault, none can be read any
  // more.
  absl::StatusOr<Read> Poll(TimeNs max_wait);
  // Makes a Poll that waits, or else the next one, return at once.
  void Wake();

 private:
  // Null where a start was found at fault, which is `fault` then.
  absl::StatusOr<std::shared_ptr<Tail>> Current(std::optional<Read>* fault);
  absl::StatusOr<std::optional<Read>> FindFault();
  Read Drop(Partition partition, absl::Status fault);

  Log& log_;
  // Where the next record of each partition that is still read lies.
  std::vector<TailStart> starts_;
  Mutex mutex_;
  std::shared_ptr<Tail> tail_;
  bool woken_ = false;
};

}  // namespace crm
