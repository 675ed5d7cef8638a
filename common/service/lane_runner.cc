#include "common/service/lane_runner.h"

#include <algorithm>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/tail_runner.h"

namespace crm {
namespace {

constexpr TimeNs kBusyTick = 10 * kMillisecond;
constexpr TimeNs kIdleTick = kSecond;
constexpr TimeNs kHeldTick = kMillisecond;

absl::Status Stopping() {
  return RetryLater(absl::StatusCode::kUnavailable, "STOPPING",
                    "the process is stopping; retry with the same request_id", 1000);
}

absl::Status QueueFull() {
  return RetryLater(absl::StatusCode::kResourceExhausted, "COMMANDS_QUEUED",
                    "too many commands are waiting; retry later", 100);
}

}  // namespace

LaneRunner::LaneRunner(Options options, Log& log, const CoreProjection& core,
                       const EventSchema& schema, Sealer& sealer, Store& store,
                       PositionTracker& tracker, const Clock& clock, Random& random,
                       std::function<void(absl::Status)> failed)
    : options_(std::move(options)),
      log_(log),
      core_(core),
      schema_(schema),
      sealer_(sealer),
      store_(store),
      tracker_(tracker),
      clock_(clock),
      random_(random),
      failed_(std::move(failed)) {}

LaneRunner::~LaneRunner() {
  Stop();
}

absl::Status LaneRunner::Start() {
  for (int i = 0; i < std::max(1, options_.threads); ++i) {
    workers_.push_back(std::make_unique<Worker>());
  }
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(StoredPosition position, LoadPosition(store_, p));
    CRM_RETURN_IF_ERROR(CheckPosition(log_, p, position));
    position.log_id = log_.identity().log_id;
    position.epoch = log_.identity().epoch;
    tracker_.Reset(p, position.stored);
    Lane::Options options;
    options.fence.partition = p;
    options.fence.owner = options_.owner;
    options.fence.endpoint = options_.endpoint;
    options.fence.log_id = log_.identity().log_id;
    options.fence.secret_check = log_.identity().secret_check;
    lanes_[static_cast<size_t>(p)] = std::make_unique<Lane>(
        std::move(options), core_, schema_, sealer_, store_, position, random_, *this);
    WorkerOf(p).partitions.push_back(p);
    Post({p, HintIn{true}});
  }
  for (const auto& worker : workers_) {
    worker->thread = std::thread([this, w = worker.get()] { Run(*w); });
  }
  return absl::OkStatus();
}

bool LaneRunner::WaitOpen(TimeNs deadline) {
  const TimeNs left = deadline - clock_.Monotonic();
  Worker& worker = *workers_.front();
  MutexLock lock(worker.mutex);
  return worker.wake.WaitFor(lock, left, [this] {
    return failed_once_ || std::all_of(published_.begin(), published_.end(),
                                       [](const Published& p) { return p.open.load(); });
  }) && !failed_once_;
}

void LaneRunner::Submit(std::unique_ptr<Command> command) {
  const Partition partition = command->partition.has_value()
                                  ? *command->partition
                                  : PartitionOfSubject(command->caller.tenant, command->subject);
  Worker& worker = WorkerOf(partition);
  {
    MutexLock lock(worker.mutex);
    if (!worker.stop && worker.queued_commands < options_.max_queued) {
      ++worker.queued_commands;
      const bool first = worker.inbox.empty();
      worker.inbox.push_back({partition, Submitted{std::move(command)}});
      lock.Unlock();
      if (first) worker.wake.NotifyAll();
      return;
    }
  }
  command->done(stopping_ ? Stopping() : QueueFull());
}

void LaneRunner::Post(In in) {
  Worker& worker = WorkerOf(in.partition);
  // Notified under the lock: once the answer is taken, the worker may be gone.
  MutexLock lock(worker.mutex);
  worker.inbox.push_back(std::move(in));
  if (worker.inbox.size() == 1) worker.wake.NotifyAll();
}

void LaneRunner::Run(Worker& worker) {
  while (Turn(worker)) {
  }
  for (const Partition p : worker.partitions) published_[static_cast<size_t>(p)].open = false;
}

bool LaneRunner::Turn(Worker& worker) {
  std::vector<In> inbox;
  bool stop;
  {
    MutexLock lock(worker.mutex);
    const bool all_open =
        std::all_of(worker.partitions.begin(), worker.partitions.end(),
                    [this](Partition p) { return published_[static_cast<size_t>(p)].open.load(); });
    const TimeNs tick = !worker.reading_back.empty() ? 0
                        : !worker.held.empty()       ? kHeldTick
                        : all_open                   ? kIdleTick
                                                     : kBusyTick;
    worker.wake.WaitFor(lock, tick,
                        [&] { return !worker.inbox.empty() || (worker.stop && Idle(worker)); });
    inbox.swap(worker.inbox);
    worker.queued_commands = 0;
    stop = worker.stop;
  }
  const TimeNs now = clock_.Now();
  const TimeNs monotonic = clock_.Monotonic();
  RetryHeld(worker);
  ReadOn(worker);
  for (In& in : inbox) Take(std::move(in), now, monotonic);
  // One write to the core for all partitions of the turn.
  RowBatch rows;
  for (const Partition p : worker.partitions) {
    LaneOf(p).Tick(monotonic);
    LaneOf(p).Prepare(rows);
  }
  const absl::Status written = rows.empty() ? absl::OkStatus() : store_.Write(rows);
  for (const Partition p : worker.partitions) {
    LaneOf(p).Complete(written);
    Publish(p);
  }
  PublishCounts(worker);
  return !(stop && Idle(worker));
}

bool LaneRunner::Idle(const Worker& worker) const {
  return worker.held.empty() && worker.owed == 0 &&
         std::all_of(worker.partitions.begin(), worker.partitions.end(), [this](Partition p) {
           return lanes_[static_cast<size_t>(p)]->unanswered() == 0;
         });
}

void LaneRunner::Take(In in, TimeNs now, TimeNs monotonic) {
  Lane& lane = LaneOf(in.partition);
  if (auto* submitted = std::get_if<Submitted>(&in.what)) {
    lane.Submit(std::move(submitted->command), now, monotonic);
  } else if (auto* delivered = std::get_if<DeliveredIn>(&in.what)) {
    --WorkerOf(in.partition).owed;
    lane.Delivered(delivered->id, delivered->offsets);
  } else if (auto* unknown = std::get_if<UnknownIn>(&in.what)) {
    --WorkerOf(in.partition).owed;
    lane.DeliveryUnknown(unknown->id, monotonic);
  } else if (auto* end = std::get_if<EndIn>(&in.what)) {
    --WorkerOf(in.partition).owed;
    end->end.has_value() ? lane.End(*end->end) : lane.EndUnknown();
  } else {
    lane.Hint(std::get<HintIn>(in.what).mine, monotonic);
  }
}

bool LaneRunner::TryAppend(Partition partition, uint64_t id, const RecordBatch& records) {
  const TimeNs begun = clock_.Monotonic();
  ++WorkerOf(partition).owed;
  const absl::Status status =
      log_.Append(partition, records,
                  [this, partition, id, begun](absl::StatusOr<std::vector<Offset>> offsets) {
                    if (offsets.ok()) {
                      if (options_.append_took) options_.append_took(clock_.Monotonic() - begun);
                      Post({partition, DeliveredIn{id, std::move(*offsets)}});
                    } else {
                      Post({partition, UnknownIn{id}});
                    }
                  });
  if (status.ok()) return true;
  if (status.code() == absl::StatusCode::kResourceExhausted) {
    --WorkerOf(partition).owed;
    return false;
  }
  Post({partition, UnknownIn{id}});
  return true;
}

void LaneRunner::Append(Partition partition, uint64_t id, RecordBatch records) {
  Worker& worker = WorkerOf(partition);
  // Order within a partition is the protocol's: nothing overtakes what the log had no room for.
  if (!worker.held.empty() || !TryAppend(partition, id, records)) {
    worker.held.push_back({partition, id, std::move(records)});
  }
}

void LaneRunner::RetryHeld(Worker& worker) {
  while (!worker.held.empty()) {
    const HeldAppend& first = worker.held.front();
    if (!TryAppend(first.partition, first.id, first.records)) return;
    worker.held.pop_front();
  }
}

void LaneRunner::ReadBack(Partition partition, Offset from, Offset to) {
  ReadingBack& reading = WorkerOf(partition).reading_back[partition];
  reading.to = to;
  if (reading.tail != nullptr) return;
  absl::StatusOr<std::unique_ptr<Tail>> tail = log_.OpenTail({{partition, from}});
  if (!tail.ok()) return Failed(partition, tail.status());
  reading.tail = *std::move(tail);
}

void LaneRunner::ReadOn(Worker& worker) {
  for (auto it = worker.reading_back.begin(); it != worker.reading_back.end();) {
    const auto& [partition, reading] = *it;
    const absl::Status status =
        reading.tail == nullptr ? absl::OkStatus() : ReadBatch(partition, it->second);
    if (!status.ok()) Failed(partition, status);
    const bool done = reading.tail == nullptr || !status.ok() || failed_once_ ||
                      LaneOf(partition).read_to() >= reading.to;
    it = done ? worker.reading_back.erase(it) : std::next(it);
  }
}

absl::Status LaneRunner::ReadBatch(Partition partition, ReadingBack& reading) {
  CRM_ASSIGN_OR_RETURN(TailBatch batch, reading.tail->Poll(0));
  const TimeNs now = clock_.Monotonic();
  for (Record& record : batch.records) LaneOf(partition).Read(std::move(record), now);
  return absl::OkStatus();
}

void LaneRunner::ReadEnd(Partition partition) {
  ++WorkerOf(partition).owed;
  log_.ReadEnd(partition, [this, partition](absl::StatusOr<Offset> end) {
    EndIn in;
    if (end.ok()) in.end = *end;
    if (std::this_thread::get_id() == WorkerOf(partition).thread.get_id()) {
      --WorkerOf(partition).owed;
      in.end.has_value() ? LaneOf(partition).End(*in.end) : LaneOf(partition).EndUnknown();
    } else {
      Post({partition, in});
    }
  });
}

void LaneRunner::Advanced(Partition partition, Offset read_to) {
  tracker_.Advance(partition, read_to);
}

void LaneRunner::Failed(Partition partition, const absl::Status& why) {
  published_[static_cast<size_t>(partition)].open = false;
  if (failed_once_.exchange(true)) return;
  {
    Worker& first = *workers_.front();
    MutexLock lock(first.mutex);
    first.wake.NotifyAll();
  }
  failed_(why);
}

void LaneRunner::Publish(Partition partition) {
  const Lane& lane = LaneOf(partition);
  Published& published = published_[static_cast<size_t>(partition)];
  published.fence = lane.fence().fence_state().fence;
  published.void_records = lane.fence().void_records();
  if (published.open.exchange(lane.open()) != lane.open()) {
    Worker& worker = *workers_.front();
    MutexLock lock(worker.mutex);
    worker.wake.NotifyAll();
  }
}

void LaneRunner::PublishCounts(Worker& worker) {
  LaneCounts sum;
  for (const Partition p : worker.partitions) sum += LaneOf(p).counts();
  MutexLock lock(worker.mutex);
  worker.counts = sum;
}

void LaneRunner::Stop() {
  stopping_ = true;
  for (const auto& worker : workers_) {
    MutexLock lock(worker->mutex);
    worker->stop = true;
    worker->wake.NotifyAll();
  }
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

LaneRunner::Counts LaneRunner::counts() const {
  Counts counts;
  for (Partition p = 0; p < kPartitions; ++p) {
    counts.void_records += published_[static_cast<size_t>(p)].void_records;
    counts.open_partitions += published_[static_cast<size_t>(p)].open ? 1 : 0;
  }
  for (const auto& worker : workers_) {
    MutexLock lock(worker->mutex);
    counts.lanes += worker->counts;
  }
  return counts;
}

Offset LaneRunner::fence(Partition partition) const {
  return published_[static_cast<size_t>(partition)].fence;
}

bool LaneRunner::open(Partition partition) const {
  return published_[static_cast<size_t>(partition)].open;
}

}  // namespace crm
