#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "common/log/log.h"
#include "common/projection/batch_rows.h"
#include "common/projection/partition_fold.h"
#include "common/projection/position_tracker.h"
#include "common/projection/steady_tail.h"

namespace crm {

// Keeps one store at the end of a log, on a thread of its own: tail, fold, write rows and position
// together. Where a partition's log is damaged, trimmed or replaced, that partition stays where it
// stands (PositionTracker::Fault) and the others go on.
class TailRunner {
 public:
  // What it refers to outlives it. `failed` runs once, on the runner's thread, when the store or
  // the log cannot be read any more; the runner has stopped by then.
  TailRunner(Log& log, const Projection& projection, EventSource source, Store& store,
             PositionTracker& tracker, std::function<void(absl::Status)> failed);
  ~TailRunner();

  // Reads the store's positions and begins. FAILED_PRECONDITION: the store is ahead of the log.
  absl::Status Start();
  void Stop();

 private:
  struct Lane {
    std::unique_ptr<BatchRows> rows;
    std::unique_ptr<PartitionFold> fold;
  };

  void Run();
  // Folds what has come, in rounds: one write for all partitions of a round.
  absl::Status Round();
  absl::Status FoldBatch(TailBatch batch, std::vector<Partition>* touched);
  void Pause();
  absl::Status WriteRound(const std::vector<Partition>& touched);

  Log& log_;
  const Projection& projection_;
  EventSource source_;
  Store& store_;
  PositionTracker& tracker_;
  std::function<void(absl::Status)> failed_;
  std::array<Lane, kPartitions> lanes_;
  std::unique_ptr<SteadyTail> tail_;
  std::atomic<bool> stop_{false};
  Mutex mutex_;
  CondVar wake_;
  std::thread thread_;
};

// Whether a store may go on over this log: OK; FAILED_PRECONDITION with the remedy when it stands
// ahead of the log or holds another record at its position (acknowledged events were lost, or the
// log was restored); NOT_FOUND when it belongs to another log or an earlier epoch and has to be
// rebuilt.
absl::Status CheckPosition(Log& log, Partition partition, const StoredPosition& position);

}  // namespace crm
