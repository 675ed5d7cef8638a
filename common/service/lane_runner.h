#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/aggregate/lane.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/log/log.h"
#include "common/projection/position_tracker.h"
#include "common/projection/steady_tail.h"

namespace crm {

// Runs the lanes of one service over a log: one lane a partition, each on one of a few threads.
// Turn by turn a thread takes what came in (commands, the log's answers), lets its lanes decide and
// append, then fold and reply; what arrives during a turn makes the next. Thread-safe.
class LaneRunner final : public LaneOutside {
 public:
  struct Options {
    // Instance name and the address others forward commands to.
    std::string owner;
    std::string endpoint;
    int threads = 1;
    // Other processes append to the log too: each thread reads its partitions' tails all the time,
    // and a stop hands what is open over.
    bool follow = false;
    // Every partition is to be owned, from the start. Else nothing is claimed before Hint.
    bool hinted = true;
    // Asked when it stops, with `follow`: other live instances, to hand partitions over to in
    // turns. May be empty, and may block for less than a second.
    std::function<std::vector<std::string>()> successors;
    // Commands submitted and not taken up yet; above it Submit sheds.
    size_t max_queued = 4096;
    // Told how long each append took to be confirmed. May be empty; thread-safe.
    std::function<void(TimeNs)> append_took;
  };

  // Since Start; for metrics.
  struct Counts {
    LaneCounts lanes;
    int64_t void_records = 0;
    int open_partitions = 0;
  };

  // What it refers to outlives it. `failed` runs on a lane's thread when the core store or the log
  // cannot be read any more.
  LaneRunner(Options options, Log& log, const CoreProjection& core, const EventSchema& schema,
             Sealer& sealer, Store& store, PositionTracker& tracker, const Clock& clock,
             Random& random, std::function<void(absl::Status)> failed);
  ~LaneRunner() override;

  // Claims what is hinted; after OK, WaitOpen tells when commands are taken. FAILED_PRECONDITION:
  // the core is ahead of its log.
  absl::Status Start();
  // Which partitions this process should own from now on. Claims the new ones and hands the lost
  // ones over, behind what they have accepted.
  void Hint(const std::array<bool, kPartitions>& mine);
  // False at the deadline (monotonic).
  bool WaitOpen(TimeNs deadline);

  // Answers through command->done, RESOURCE_EXHAUSTED where too much is queued.
  void Submit(std::unique_ptr<Command> command);

  // With `follow`: hands every open partition over to a live instance, in turns, behind what was
  // accepted; claims none any more. Returns when all are given up, or after `patience`. Commands
  // are still answered: with who owns the partition. Called before whoever brings commands stops,
  // so that partitions are without an owner only as long as it takes to hand them over.
  void HandOver(TimeNs patience);

  // Answers every command that was submitted, hands over (for a second at most), then ends the
  // threads; later commands answer UNAVAILABLE. A log that is away is given five seconds; then
  // outcomes are unknown.
  void Stop();

  Counts counts() const;
  // Offset of the ownership record in force, as the lane saw it last.
  Offset fence(Partition partition) const;
  int64_t void_records(Partition partition) const;
  bool open(Partition partition) const;

 private:
  struct Submitted {
    std::unique_ptr<Command> command;
  };
  struct DeliveredIn {
    uint64_t id;
    std::vector<Offset> offsets;
  };
  struct UnknownIn {
    uint64_t id;
  };
  struct EndIn {
    std::optional<Offset> end;
    // Asked for to read back up to there.
    bool read_back = false;
  };
  struct BatchIn {
    TailBatch batch;
    // Not OK: nothing of the partition is read any more.
    absl::Status fault;
  };
  struct HintIn {
    bool mine;
  };
  struct ReleaseIn {
    std::string successor;
  };
  struct In {
    Partition partition;
    std::variant<Submitted, DeliveredIn, UnknownIn, EndIn, BatchIn, HintIn, ReleaseIn> what;
  };
  // A stretch of the log on its way into a lane, a batch a turn.
  struct ReadingBack {
    std::unique_ptr<Tail> tail;
    Offset to = 0;
  };
  // A log end that could not be read, to be asked for again.
  struct EndRetry {
    Partition partition;
    bool read_back;
    TimeNs at;
  };
  struct HeldAppend {
    Partition partition;
    uint64_t id;
    RecordBatch records;
  };
  // What other threads may ask of a lane.
  struct Published {
    std::atomic<bool> open{false};
    std::atomic<Offset> fence{kNoOffset};
    std::atomic<int64_t> void_records{0};
  };
  struct Worker {
    mutable Mutex mutex;
    CondVar wake;
    std::vector<In> inbox;
    size_t queued_commands = 0;
    bool stop = false;
    std::thread thread;
    // With Options::follow: reads the log, a batch ahead of the worker.
    std::unique_ptr<SteadyTail> tail;
    std::thread reader;
    CondVar reader_wake;
    bool batch_queued = false;
    bool stop_reading = false;
    // Sum over its lanes, under `mutex`.
    LaneCounts counts;
    // The worker's own.
    std::vector<Partition> partitions;
    std::deque<HeldAppend> held;
    std::map<Partition, ReadingBack> reading_back;
    // The log answered UNAVAILABLE to the last read-back.
    bool read_back_pauses = false;
    std::deque<EndRetry> end_retries;
    // Since it was told to stop: commands that the log does not let answer are given up then.
    TimeNs give_up_at = 0;
    // Partitions are handed over until then; 0: not yet.
    TimeNs release_by = 0;
    // Answers the log still owes; the worker outlives them.
    int owed = 0;
  };

  // LaneOutside, called on the lane's thread.
  void Append(Partition partition, uint64_t id, RecordBatch records) override;
  void ReadBack(Partition partition, Offset from, Offset to) override;
  void ReadEnd(Partition partition) override;
  void Advanced(Partition partition, Offset read_to) override;
  void Failed(Partition partition, const absl::Status& why) override;

  void StartReader(Worker& worker);
  void StopReader(Worker& worker);
  void ReadTail(Worker& worker);
  void PostBatch(Worker& worker, SteadyTail::Read read);
  void FailAll(const absl::Status& why);
  void Run(Worker& worker);
  bool Turn(Worker& worker);
  // Nanoseconds until there is something to do without anything coming in.
  TimeNs Rest(const Worker& worker) const;
  void Take(In in, TimeNs now, TimeNs monotonic);
  void TakeEnd(Partition partition, const EndIn& end, TimeNs monotonic);
  void TakeBatch(BatchIn in, TimeNs monotonic);
  void Post(In in);
  bool TryAppend(Partition partition, uint64_t id, const RecordBatch& records);
  void RetryHeld(Worker& worker);
  void RetryEnds(Worker& worker, TimeNs monotonic);
  void ReadLogEnd(Partition partition, bool read_back);
  void ReadOn(Worker& worker);
  absl::Status ReadBatch(Partition partition, ReadingBack& reading);
  void Publish(Partition partition);
  void PublishCounts(Worker& worker);
  bool Idle(const Worker& worker) const;
  // Nothing is left to do before the threads end.
  bool Done(const Worker& worker) const;
  void GiveUp(Worker& worker);
  void Release(Worker& worker, TimeNs monotonic);
  void FindSuccessors();
  // Of a partition that is handed over; empty where none is known.
  std::string SuccessorOf(Partition partition) const;

  Worker& WorkerOf(Partition partition) {
    return *workers_[static_cast<size_t>(partition) % workers_.size()];
  }
  const Lane& LaneOf(Partition partition) const { return *lanes_[static_cast<size_t>(partition)]; }
  Lane& LaneOf(Partition partition) { return *lanes_[static_cast<size_t>(partition)]; }

  const Options options_;
  Log& log_;
  const CoreProjection& core_;
  const EventSchema& schema_;
  Sealer& sealer_;
  Store& store_;
  PositionTracker& tracker_;
  const Clock& clock_;
  Random& random_;
  std::function<void(absl::Status)> failed_;
  std::array<std::unique_ptr<Lane>, kPartitions> lanes_;
  std::array<Published, kPartitions> published_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // Partitions are handed over, hints do not count any more.
  std::atomic<bool> leaving_{false};
  // Written before the workers are told to release or stop.
  std::vector<std::string> successors_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> failed_once_{false};
};

}  // namespace crm
