#pragma once

#include <array>
#include <deque>
#include <memory>
#include <set>
#include <vector>

#include "common/base/mutex.h"
#include "common/log/log.h"

namespace crm {

// Where a feed reads records that it no longer holds in memory. Thread-safe.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  // Records of [from, end) in order, without a hole: at least one, as many as make a good batch.
  // DATA_LOSS names the place.
  virtual absl::StatusOr<std::vector<Record>> Read(Partition partition, Offset from,
                                                   Offset end) = 0;
};

// The readable side of one topic: the ends of its partitions, its latest records in memory, and the
// tails that wait for more. Engines publish; what was published is readable. Thread-safe; outlives
// its tails.
class TopicFeed {
 public:
  using Ends = std::array<Offset, kPartitions>;

  // Records appended together to one partition.
  struct Appended {
    Partition partition = 0;
    Offset first = 0;
    RecordBatch records;
  };

  // Starts with partitions that end at `ends`, all of it in `older`. Holds up to `recent_bytes` of
  // what is published; without an `older` source it must be told to hold everything (SIZE_MAX).
  TopicFeed(std::string topic, const Ends& ends, size_t recent_bytes, RecordSource* older);
  ~TopicFeed();

  // Each partition's batches in offset order, continuing at its end.
  void Publish(const std::vector<Appended>& appended);

  // The same for one batch, of which what lies below the partition's end is known already and left
  // out. A batch beyond the end is left to whoever reads the log: false.
  bool Offer(const Appended& appended);

  Offset End(Partition partition) const;
  Ends AllEnds() const;
  // Waits up to `patience` until the partition ends at `end` or beyond, or failed.
  bool WaitForEnd(Partition partition, Offset end, TimeNs patience);

  // Nothing is read from the partition any more: a tail answers `why` once and goes on without it;
  // a tail that has no other partition answers it each time. The first reason stays.
  void Fail(Partition partition, const absl::Status& why);
  // OK, or why the partition failed.
  absl::Status Failure(Partition partition) const;

  // See Log::OpenTail.
  absl::StatusOr<std::unique_ptr<Tail>> OpenTail(std::vector<TailStart> starts);

  // Every Poll from now on answers UNAVAILABLE.
  void Close();

 private:
  class FeedTail;
  struct Held {
    Offset first;
    RecordBatch records;
    size_t bytes;
  };
  struct PartitionFeed {
    Offset end = 0;
    std::deque<Held> recent;
    absl::Status failed;
    Offset recent_begin() const { return recent.empty() ? end : recent.front().first; }
  };

  // Called with the mutex held.
  void Hold(const Appended& batch);
  void Evict();

  const std::string topic_;
  const size_t recent_bytes_;
  RecordSource* const older_;

  mutable Mutex mutex_;
  CondVar grown_;
  // Callers of WaitForEnd.
  int waiting_ = 0;
  std::array<PartitionFeed, kPartitions> partitions_;
  // Partitions of the held batches, oldest first.
  std::deque<Partition> age_;
  size_t held_bytes_ = 0;
  std::set<FeedTail*> tails_;
  bool closed_ = false;
};

}  // namespace crm
