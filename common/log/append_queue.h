#pragma once

#include <deque>
#include <vector>

#include "absl/status/status.h"
#include "common/base/mutex.h"
#include "common/log/log.h"

namespace crm {

// What an engine accepts before it answers RESOURCE_EXHAUSTED.
struct AppendBounds {
  size_t records = 65'536;
  size_t bytes = 32 << 20;
};

// One call of Log::Append on its way to the log.
struct QueuedAppend {
  // Index of the topic within its engine.
  size_t topic = 0;
  Partition partition = 0;
  RecordBatch records;
  Log::AppendDone done;
};

// Bytes of memory the records hold, roughly.
size_t MemoryBytes(const std::vector<Record>& records);

// The bounded queue between callers of Append and the thread that commits. Room is held until
// Release, so that what is being committed counts too. Thread-safe.
class AppendQueue {
 public:
  explicit AppendQueue(AppendBounds bounds) : bounds_(bounds) {}

  // RESOURCE_EXHAUSTED with RetryInfo: full. INVALID_ARGUMENT: larger than the whole queue. After
  // Close, its reason. On any error nothing was queued.
  absl::Status Push(QueuedAppend append);

  // Waits for appends, then takes all that are there, oldest first, until they hold `max_bytes`.
  // Empty only once the queue is closed and drained.
  std::vector<QueuedAppend> Take(size_t max_bytes);
  // The same without waiting, at most `max_appends`.
  std::vector<QueuedAppend> TryTake(size_t max_appends);

  // Frees the room of appends that were taken.
  void Release(const std::vector<QueuedAppend>& appends);

  // Refuses appends from now on with `reason`. The first reason stays.
  void Close(absl::Status reason);

  // Records waiting or being committed.
  size_t records() const;

 private:
  struct Waiting {
    QueuedAppend append;
    size_t bytes;
  };

  const AppendBounds bounds_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Waiting> waiting_;
  size_t records_ = 0;
  size_t bytes_ = 0;
  absl::Status closed_;
};

}  // namespace crm
