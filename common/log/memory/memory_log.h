#pragma once

#include <memory>
#include <string>
#include <thread>

#include "common/log/append_queue.h"
#include "common/log/log.h"
#include "common/log/topic_feed.h"

namespace crm {

struct MemoryLogOptions {
  std::string topic;
  // Written as the genesis record of every partition.
  LogIdentity identity;
  AppendBounds bounds;
  // False: a thread of the log delivers appends as they come. True: nothing is delivered, nor
  // readable, before somebody calls Deliver; no thread is made, so a simulation stays
  // deterministic.
  bool deliver_by_hand = false;
};

// One topic of a log that lives and dies with the process. Like every log, each partition begins
// with its genesis record. Thread-safe; outlives its tails. Destruction delivers what is still
// queued.
class MemoryLog final : public Log {
 public:
  explicit MemoryLog(MemoryLogOptions options);
  ~MemoryLog() override;

  const std::string& topic() const override { return options_.topic; }
  const LogIdentity& identity() const override { return options_.identity; }
  absl::Status Append(Partition partition, RecordBatch records, AppendDone done) override;
  void ReadEnd(Partition partition, EndDone done) override;
  absl::StatusOr<std::unique_ptr<Tail>> OpenTail(std::vector<TailStart> starts) override;
  absl::StatusOr<Offset> BeginOffset(Partition partition) override;
  absl::StatusOr<Offset> EndOffset(Partition partition) override;

  // Only with deliver_by_hand: delivers up to `max_appends` queued appends, oldest first, on the
  // calling thread; answers how many. One thread at a time.
  size_t Deliver(size_t max_appends);

 private:
  void WriteGenesis();
  void DeliverLoop();
  void Commit(std::vector<QueuedAppend> appends);

  const MemoryLogOptions options_;
  TopicFeed feed_;
  AppendQueue queue_;
  std::thread thread_;
};

}  // namespace crm
