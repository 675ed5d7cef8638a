#include "common/log/topic_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/log/append_queue.h"

namespace crm {
namespace {

// A batch is large enough to make its overhead small, and small enough that a reader of many
// partitions stays fair and within its memory.
constexpr size_t kBatchRecords = 2048;
constexpr size_t kBatchBytes = 1 << 20;
// Longer waits end early, so that no deadline overflows the clock.
constexpr TimeNs kLongestWait = 3600 * kSecond;

}  // namespace

class TopicFeed::FeedTail final : public Tail {
 public:
  FeedTail(TopicFeed* feed, std::vector<TailStart> cursors)
      : feed_(feed), cursors_(std::move(cursors)) {
    for (const TailStart& cursor : cursors_) follows_.set(cursor.partition);
    MutexLock lock(feed_->mutex_);
    feed_->tails_.insert(this);
  }

  ~FeedTail() override {
    MutexLock lock(feed_->mutex_);
    feed_->tails_.erase(this);
  }

  absl::StatusOr<TailBatch> Poll(TimeNs max_wait) override {
    MutexLock lock(feed_->mutex_);
    TailStart* cursor = nullptr;
    const auto ready = [&] {
      cursor = NextReady();
      return cursor != nullptr || woken_ || feed_->closed_;
    };
    // A wait of no time at all would still give the processor away.
    if (max_wait > 0) {
      ready_.WaitFor(lock, std::min(max_wait, kLongestWait), ready);
    } else {
      ready();
    }
    woken_ = false;
    if (feed_->closed_) {
      return Error(absl::StatusCode::kUnavailable, "LOG_STOPPED", "the log is closing");
    }
    if (cursor == nullptr) return TailBatch();
    const PartitionFeed& partition = feed_->partitions_[cursor->partition];
    if (!partition.failed.ok()) return LeaveOut(cursor);
    if (cursor->from >= partition.recent_begin()) return FromMemory(lock, partition, cursor);
    return FromSource(lock, partition.recent_begin(), cursor);
  }

  void Wake() override {
    MutexLock lock(feed_->mutex_);
    woken_ = true;
    ready_.NotifyOne();
  }

  // Called with the feed's mutex held.
  void Notify(const std::bitset<kPartitions>& grown) {
    if ((follows_ & grown).any()) ready_.NotifyOne();
  }

 private:
  // The first cursor with something to read, beginning after the one that was served last.
  TailStart* NextReady() {
    for (size_t i = 0; i < cursors_.size(); ++i) {
      const size_t index = (turn_ + i) % cursors_.size();
      TailStart& cursor = cursors_[index];
      const PartitionFeed& partition = feed_->partitions_[cursor.partition];
      if (cursor.from >= partition.end && partition.failed.ok()) continue;
      turn_ = index + 1;
      return &cursor;
    }
    return nullptr;
  }

  absl::Status LeaveOut(TailStart* cursor) {
    absl::Status why = feed_->partitions_[cursor->partition].failed;
    if (cursors_.size() > 1) cursors_.erase(cursors_.begin() + (cursor - cursors_.data()));
    return why;
  }

  // Records are copied after the lock is left: what is held never changes.
  TailBatch FromMemory(MutexLock& lock, const PartitionFeed& partition, TailStart* cursor) {
    auto held = std::upper_bound(partition.recent.begin(), partition.recent.end(), cursor->from,
                                 [](Offset from, const Held& h) { return from < h.first; });
    CRM_CHECK(held != partition.recent.begin());
    std::vector<Held> pieces;
    size_t records = 0;
    size_t bytes = 0;
    for (--held; held != partition.recent.end(); ++held) {
      if (records >= kBatchRecords || bytes >= kBatchBytes) break;
      pieces.push_back(*held);
      records += held->records->size();
      bytes += held->bytes;
    }
    lock.Unlock();
    TailBatch batch;
    batch.partition = cursor->partition;
    batch.records.reserve(records);
    for (const Held& piece : pieces) Copy(piece, &cursor->from, &batch.records);
    return batch;
  }

  static void Copy(const Held& piece, Offset* from, std::vector<Record>* out) {
    for (size_t i = *from - piece.first; i < piece.records->size(); ++i) {
      out->push_back((*piece.records)[i]);
      out->back().offset = (*from)++;
    }
  }

  absl::StatusOr<TailBatch> FromSource(MutexLock& lock, Offset end, TailStart* cursor) {
    lock.Unlock();
    CRM_CHECK(feed_->older_ != nullptr);
    TailBatch batch;
    batch.partition = cursor->partition;
    CRM_ASSIGN_OR_RETURN(batch.records, feed_->older_->Read(cursor->partition, cursor->from, end));
    CRM_CHECK(!batch.records.empty() && batch.records.front().offset == cursor->from);
    cursor->from = batch.records.back().offset + 1;
    return batch;
  }

  TopicFeed* const feed_;
  std::vector<TailStart> cursors_;
  std::bitset<kPartitions> follows_;
  size_t turn_ = 0;
  CondVar ready_;
  bool woken_ = false;
};

TopicFeed::TopicFeed(std::string topic, const Ends& ends, size_t recent_bytes, RecordSource* older)
    : topic_(std::move(topic)), recent_bytes_(recent_bytes), older_(older) {
  for (Partition p = 0; p < kPartitions; ++p) partitions_[p].end = ends[p];
}

TopicFeed::~TopicFeed() {
  CRM_CHECK(tails_.empty());
}

void TopicFeed::Publish(const std::vector<Appended>& appended) {
  std::bitset<kPartitions> grown;
  MutexLock lock(mutex_);
  for (const Appended& batch : appended) {
    if (batch.records->empty()) continue;
    Hold(batch);
    grown.set(batch.partition);
  }
  Evict();
  for (FeedTail* tail : tails_) tail->Notify(grown);
  if (waiting_ > 0) grown_.NotifyAll();
}

void TopicFeed::Hold(const Appended& batch) {
  PartitionFeed& partition = partitions_[batch.partition];
  CRM_CHECK(batch.first == partition.end);
  const size_t bytes = MemoryBytes(*batch.records);
  partition.end += static_cast<Offset>(batch.records->size());
  partition.recent.push_back({batch.first, batch.records, bytes});
  age_.push_back(batch.partition);
  held_bytes_ += bytes;
}

bool TopicFeed::Offer(const Appended& appended) {
  std::bitset<kPartitions> grown;
  grown.set(appended.partition);
  MutexLock lock(mutex_);
  const PartitionFeed& partition = partitions_[appended.partition];
  if (appended.first > partition.end) return false;
  const size_t known = static_cast<size_t>(partition.end - appended.first);
  if (known >= appended.records->size() || !partition.failed.ok()) return true;
  Appended rest = appended;
  if (known > 0) {
    rest.first = partition.end;
    rest.records = std::make_shared<const std::vector<Record>>(
        appended.records->begin() + static_cast<std::ptrdiff_t>(known), appended.records->end());
  }
  Hold(rest);
  Evict();
  for (FeedTail* tail : tails_) tail->Notify(grown);
  if (waiting_ > 0) grown_.NotifyAll();
  return true;
}

void TopicFeed::Evict() {
  while (held_bytes_ > recent_bytes_ && !age_.empty()) {
    std::deque<Held>& recent = partitions_[age_.front()].recent;
    held_bytes_ -= recent.front().bytes;
    recent.pop_front();
    age_.pop_front();
  }
}

Offset TopicFeed::End(Partition partition) const {
  MutexLock lock(mutex_);
  return partitions_[partition].end;
}

TopicFeed::Ends TopicFeed::AllEnds() const {
  MutexLock lock(mutex_);
  Ends ends;
  for (Partition p = 0; p < kPartitions; ++p) ends[p] = partitions_[p].end;
  return ends;
}

bool TopicFeed::WaitForEnd(Partition partition, Offset end, TimeNs patience) {
  MutexLock lock(mutex_);
  ++waiting_;
  const PartitionFeed& feed = partitions_[partition];
  const bool there = grown_.WaitFor(
      lock, patience, [&] { return feed.end >= end || !feed.failed.ok() || closed_; });
  --waiting_;
  return there;
}

void TopicFeed::Fail(Partition partition, const absl::Status& why) {
  std::bitset<kPartitions> failed;
  failed.set(partition);
  MutexLock lock(mutex_);
  if (partitions_[partition].failed.ok()) partitions_[partition].failed = why;
  for (FeedTail* tail : tails_) tail->Notify(failed);
  grown_.NotifyAll();
}

absl::Status TopicFeed::Failure(Partition partition) const {
  MutexLock lock(mutex_);
  return partitions_[partition].failed;
}

absl::StatusOr<std::unique_ptr<Tail>> TopicFeed::OpenTail(std::vector<TailStart> starts) {
  for (const TailStart& start : starts) {
    CRM_CHECK(start.partition >= 0 && start.partition < kPartitions);
    const Offset end = End(start.partition);
    if (start.from >= 0 && start.from <= end) continue;
    return Error(
        absl::StatusCode::kOutOfRange, "OFFSET_OUT_OF_RANGE",
        fmt::format("{} partition {} holds offsets 0 to {}, not {}: what names that offset "
                    "belongs to another log, or this log was restored from an older copy",
                    topic_, start.partition, end, start.from));
  }
  return std::make_unique<FeedTail>(this, std::move(starts));
}

void TopicFeed::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  grown_.NotifyAll();
  std::bitset<kPartitions> all;
  all.set();
  for (FeedTail* tail : tails_) tail->Notify(all);
}

}  // namespace crm
