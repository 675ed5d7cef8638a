#include "common/log/append_queue.h"

#include <fmt/format.h>

#include "common/base/status.h"

namespace crm {
namespace {

// About the time a few group commits take on a slow disk.
constexpr int kRetryMilliseconds = 50;

}  // namespace

size_t MemoryBytes(const std::vector<Record>& records) {
  size_t bytes = 0;
  for (const Record& record : records) {
    bytes += sizeof(Record) + record.key.size() + record.value.size();
  }
  return bytes;
}

absl::Status AppendQueue::Push(QueuedAppend append) {
  const size_t records = append.records->size();
  const size_t bytes = MemoryBytes(*append.records);
  if (records > bounds_.records || bytes > bounds_.bytes) {
    return Error(absl::StatusCode::kInvalidArgument, "APPEND_TOO_LARGE",
                 fmt::format("one append of {} records and {} bytes is larger than the whole queue "
                             "({} records, {} bytes): append less at a time",
                             records, bytes, bounds_.records, bounds_.bytes));
  }
  MutexLock lock(mutex_);
  if (!closed_.ok()) return closed_;
  if (records_ + records > bounds_.records || bytes_ + bytes > bounds_.bytes) {
    return RetryLater(absl::StatusCode::kResourceExhausted, "LOG_QUEUE_FULL",
                      "the log's queue is full: retry later", kRetryMilliseconds);
  }
  records_ += records;
  bytes_ += bytes;
  waiting_.push_back({std::move(append), bytes});
  changed_.NotifyOne();
  return absl::OkStatus();
}

std::vector<QueuedAppend> AppendQueue::Take(size_t max_bytes) {
  MutexLock lock(mutex_);
  changed_.Wait(lock, [&] { return !waiting_.empty() || !closed_.ok(); });
  std::vector<QueuedAppend> taken;
  size_t bytes = 0;
  while (!waiting_.empty() && (taken.empty() || bytes + waiting_.front().bytes <= max_bytes)) {
    bytes += waiting_.front().bytes;
    taken.push_back(std::move(waiting_.front().append));
    waiting_.pop_front();
  }
  return taken;
}

std::vector<QueuedAppend> AppendQueue::TryTake(size_t max_appends) {
  MutexLock lock(mutex_);
  std::vector<QueuedAppend> taken;
  while (!waiting_.empty() && taken.size() < max_appends) {
    taken.push_back(std::move(waiting_.front().append));
    waiting_.pop_front();
  }
  return taken;
}

void AppendQueue::Release(const std::vector<QueuedAppend>& appends) {
  size_t records = 0;
  size_t bytes = 0;
  for (const QueuedAppend& append : appends) {
    records += append.records->size();
    bytes += MemoryBytes(*append.records);
  }
  MutexLock lock(mutex_);
  records_ -= records;
  bytes_ -= bytes;
}

void AppendQueue::Close(absl::Status reason) {
  MutexLock lock(mutex_);
  if (closed_.ok()) closed_ = std::move(reason);
  changed_.NotifyAll();
}

size_t AppendQueue::records() const {
  MutexLock lock(mutex_);
  return records_;
}

}  // namespace crm
