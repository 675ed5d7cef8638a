#include "common/log/memory/memory_log.h"

#include <cstdint>
#include <numeric>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/log/control_records.h"

namespace crm {
namespace {

std::vector<Offset> OffsetsFrom(Offset first, size_t count) {
  std::vector<Offset> offsets(count);
  std::iota(offsets.begin(), offsets.end(), first);
  return offsets;
}

}  // namespace

MemoryLog::MemoryLog(MemoryLogOptions options)
    : options_(std::move(options)),
      feed_(options_.topic, {}, SIZE_MAX, nullptr),
      queue_(options_.bounds) {
  WriteGenesis();
  if (!options_.deliver_by_hand) thread_ = std::thread([this] { DeliverLoop(); });
}

MemoryLog::~MemoryLog() {
  queue_.Close(Error(absl::StatusCode::kUnavailable, "LOG_STOPPED", "the log is closing"));
  if (thread_.joinable()) thread_.join();
  if (options_.deliver_by_hand) Deliver(SIZE_MAX);
  feed_.Close();
}

void MemoryLog::WriteGenesis() {
  const auto genesis =
      std::make_shared<const std::vector<Record>>(1, GenesisRecord(options_.identity));
  std::vector<TopicFeed::Appended> first;
  first.reserve(kPartitions);
  for (Partition p = 0; p < kPartitions; ++p) first.push_back({p, 0, genesis});
  feed_.Publish(first);
}

absl::Status MemoryLog::Append(Partition partition, RecordBatch records, AppendDone done) {
  CRM_CHECK(partition >= 0 && partition < kPartitions);
  return queue_.Push({0, partition, std::move(records), std::move(done)});
}

void MemoryLog::ReadEnd(Partition partition, EndDone done) {
  done(feed_.End(partition));
}

absl::StatusOr<std::unique_ptr<Tail>> MemoryLog::OpenTail(std::vector<TailStart> starts) {
  return feed_.OpenTail(std::move(starts));
}

absl::StatusOr<Offset> MemoryLog::BeginOffset(Partition) {
  return 0;
}

absl::StatusOr<Offset> MemoryLog::EndOffset(Partition partition) {
  return feed_.End(partition);
}

size_t MemoryLog::Deliver(size_t max_appends) {
  CRM_CHECK(options_.deliver_by_hand);
  std::vector<QueuedAppend> appends = queue_.TryTake(max_appends);
  const size_t count = appends.size();
  Commit(std::move(appends));
  return count;
}

void MemoryLog::DeliverLoop() {
  while (true) {
    std::vector<QueuedAppend> appends = queue_.Take(SIZE_MAX);
    if (appends.empty()) return;
    Commit(std::move(appends));
  }
}

// Room is freed before the callbacks run, so that a callback may append what it waited with.
void MemoryLog::Commit(std::vector<QueuedAppend> appends) {
  std::vector<Offset> firsts;
  for (const QueuedAppend& append : appends) {
    const Offset first = feed_.End(append.partition);
    feed_.Publish({{append.partition, first, append.records}});
    firsts.push_back(first);
  }
  queue_.Release(appends);
  for (size_t i = 0; i < appends.size(); ++i) {
    appends[i].done(OffsetsFrom(firsts[i], appends[i].records->size()));
  }
}

}  // namespace crm
