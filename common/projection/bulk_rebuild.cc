#include "common/projection/bulk_rebuild.h"

#include <atomic>
#include <thread>

#include "common/base/check.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/projection/buffered_rows.h"
#include "common/projection/steady_tail.h"

namespace crm {
namespace {

// Aggregates a fold may hold back between flushes: few enough to stay in the processor's cache,
// many enough that most of those met again soon are not read back.
constexpr int64_t kEventsPerFlush = 1 << 14;
// A log that is away ends a rebuild after half a minute in which nothing came.
constexpr int kPatientPolls = 300;
constexpr TimeNs kAfterError = 100 * kMillisecond;

// The partitions are shared out among the threads as they come.
class Rebuild {
 public:
  Rebuild(Log& log, const Projection& projection, EventSource source, Store& store,
          const RebuildOptions& options)
      : log_(log),
        projection_(projection),
        source_(source),
        store_(store),
        options_(options),
        buffer_bytes_(options.buffer_bytes / options.threads) {}

  absl::StatusOr<RebuildProgress> Run() {
    ends_ = options_.until;
    if (ends_.empty()) {
      for (Partition p = 0; p < kPartitions; ++p) {
        CRM_ASSIGN_OR_RETURN(const Offset end, log_.EndOffset(p));
        ends_.push_back(end);
      }
    }
    for (const Offset end : ends_) progress_.records_total += end;
    std::vector<std::thread> others;
    for (int i = 1; i < options_.threads; ++i) others.emplace_back([this] { Work(); });
    Work();
    for (std::thread& other : others) other.join();
    CRM_RETURN_IF_ERROR(status_);
    return progress_;
  }

 private:
  void Work() {
    BufferedRows rows(store_);
    absl::Status status;
    while (status.ok()) {
      const Partition partition = next_++;
      if (partition >= kPartitions) break;
      status = FoldPartition(partition, rows);
    }
    if (status.ok()) status = rows.Spill();
    MutexLock lock(mutex_);
    status_.Update(status);
  }

  absl::Status FoldPartition(Partition partition, BufferedRows& rows) {
    const Offset end = ends_[static_cast<size_t>(partition)];
    if (end == 0) return absl::OkStatus();
    PartitionFold fold(projection_, source_, log_.identity(), partition, StoredPosition{}, rows);
    CRM_ASSIGN_OR_RETURN(const auto tail, log_.OpenTail({{partition, 0}}));
    int64_t flushed = 0;
    RebuildProgress told;
    int failures = 0;
    while (fold.position().read_to < end) {
      absl::StatusOr<TailBatch> read = tail->Poll(kSecond);
      if (Passes(read.status()) && ++failures < kPatientPolls) {
        Pause();
        CRM_RETURN_IF_ERROR(Tell(fold, &told));
        continue;
      }
      CRM_RETURN_IF_ERROR(read.status());
      failures = 0;
      TailBatch& batch = *read;
      for (Record& record : batch.records) {
        if (record.offset >= end) break;
        CRM_RETURN_IF_ERROR(fold.Accept(std::move(record)));
      }
      if (rows.bytes() > buffer_bytes_ || fold.events() - flushed > kEventsPerFlush) {
        CRM_RETURN_IF_ERROR(fold.Flush());
        flushed = fold.events();
        if (rows.bytes() > buffer_bytes_) CRM_RETURN_IF_ERROR(rows.Spill());
      }
      CRM_RETURN_IF_ERROR(Tell(fold, &told));
    }
    CRM_RETURN_IF_ERROR(fold.Flush());
    return rows.Leave();
  }

  // The log will answer later.
  void Pause() {
    MutexLock lock(mutex_);
    pause_.WaitFor(lock, kAfterError, [] { return false; });
  }

  // Adds what the fold did since it last told. CANCELLED: somebody stopped the rebuild, or another
  // thread failed.
  absl::Status Tell(const PartitionFold& fold, RebuildProgress* told) {
    MutexLock lock(mutex_);
    progress_.records_read += fold.position().read_to - told->records_read;
    progress_.events_folded += fold.events() - told->events_folded;
    progress_.unreadable += fold.unreadable() - told->unreadable;
    *told = {fold.position().read_to, 0, fold.events(), fold.unreadable()};
    if (!status_.ok() || (options_.progress && !options_.progress(progress_))) {
      return absl::CancelledError("the rebuild was stopped");
    }
    return absl::OkStatus();
  }

  Log& log_;
  const Projection& projection_;
  EventSource source_;
  Store& store_;
  const RebuildOptions& options_;
  const int64_t buffer_bytes_;
  std::vector<Offset> ends_;
  std::atomic<Partition> next_{0};
  Mutex mutex_;
  CondVar pause_;
  RebuildProgress progress_;
  // The first failure.
  absl::Status status_;
};

}  // namespace

absl::StatusOr<RebuildProgress> BulkRebuild(Log& log, const Projection& projection,
                                            EventSource source, Store& store,
                                            const RebuildOptions& options) {
  CRM_CHECK(options.threads > 0);
  return Rebuild(log, projection, source, store, options).Run();
}

}  // namespace crm
