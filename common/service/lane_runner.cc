#include "common/service/lane_runner.h"

#include <algorithm>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/steady_tail.h"
#include "common/projection/tail_runner.h"
#include "crm/common/v1/log_control.pb.h"

namespace crm {
namespace {

constexpr TimeNs kIdleTick = kSecond;
constexpr TimeNs kHeldTick = kMillisecond;
// After the log could not be read.
constexpr TimeNs kRetryPause = 20 * kMillisecond;
constexpr TimeNs kReaderPause = 100 * kMillisecond;
constexpr TimeNs kReaderWait = kSecond;
constexpr TimeNs kHandOver = kSecond;
// A log that is away holds a stop up for so long.
constexpr TimeNs kStopPatience = 5 * kSecond;

absl::Status Stopping() {
  return RetryLater(absl::StatusCode::kUnavailable, "STOPPING",
                    "the process is stopping; retry with the same request_id", 1000);
}

// Where the owner of a reign takes commands; empty where that cannot be read. Others forward to it,
// also when it took the partition before this process stored its position.
std::string EndpointOfReign(Log& log, Partition partition, Offset own) {
  if (own == kNoOffset) return "";
  const auto tail = log.OpenTail({{partition, own}});
  if (!tail.ok()) return "";
  const absl::StatusOr<TailBatch> batch = (*tail)->Poll(kSecond);
  if (!batch.ok() || batch->records.empty()) return "";
  common::v1::LogControl control;
  return control.ParseFromString(batch->records.front().value) ? control.own().endpoint() : "";
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
    options.fence.epoch = log_.identity().epoch;
    if (options_.follow) {
      options.fence.latest_endpoint = EndpointOfReign(log_, p, position.fence.fence);
    }
    lanes_[static_cast<size_t>(p)] = std::make_unique<Lane>(
        std::move(options), core_, schema_, sealer_, store_, position, random_, *this);
    WorkerOf(p).partitions.push_back(p);
    if (options_.hinted) Post({p, HintIn{true}});
  }
  for (const auto& worker : workers_) {
    worker->thread = std::thread([this, w = worker.get()] { Run(*w); });
    if (options_.follow) StartReader(*worker);
  }
  return absl::OkStatus();
}

void LaneRunner::Hint(const std::array<bool, kPartitions>& mine) {
  for (Partition p = 0; p < kPartitions; ++p) Post({p, HintIn{mine[static_cast<size_t>(p)]}});
}

// --- following the log

void LaneRunner::StartReader(Worker& worker) {
  std::vector<TailStart> starts;
  for (const Partition p : worker.partitions) starts.push_back({p, tracker_.Get(p)});
  worker.tail = std::make_unique<SteadyTail>(log_, std::move(starts));
  worker.reader = std::thread([this, w = &worker] { ReadTail(*w); });
}

void LaneRunner::ReadTail(Worker& worker) {
  while (true) {
    absl::StatusOr<SteadyTail::Read> read = worker.tail->Poll(kReaderWait);
    if (read.ok() && (!read->batch.records.empty() || !read->fault.ok())) {
      PostBatch(worker, std::move(*read));
    }
    const bool passes = Passes(read.status());
    MutexLock lock(worker.mutex);
    if (!read.ok() && !passes && !worker.stop_reading) {
      lock.Unlock();
      return FailAll(read.status());
    }
    const auto stop = [&worker] { return worker.stop_reading; };
    if (!read.ok()) worker.reader_wake.WaitFor(lock, kReaderPause, stop);
    if (worker.stop_reading) return;
  }
}

// Returns when the worker has taken it: what is read ahead stays bounded.
void LaneRunner::PostBatch(Worker& worker, SteadyTail::Read read) {
  const Partition partition = read.batch.partition;
  MutexLock lock(worker.mutex);
  worker.inbox.push_back({partition, BatchIn{std::move(read.batch), std::move(read.fault)}});
  worker.batch_queued = true;
  if (worker.inbox.size() == 1) worker.wake.NotifyAll();
  worker.reader_wake.Wait(lock, [&] { return !worker.batch_queued || worker.stop_reading; });
}

void LaneRunner::TakeBatch(BatchIn in, TimeNs monotonic) {
  Lane& lane = LaneOf(in.batch.partition);
  if (!in.fault.ok()) return lane.Stop(in.fault);
  for (Record& record : in.batch.records) lane.Read(std::move(record), monotonic);
}

// --- turns

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

TimeNs LaneRunner::Rest(const Worker& worker) const {
  if (!worker.reading_back.empty()) return worker.read_back_pauses ? kRetryPause : 0;
  if (!worker.held.empty()) return kHeldTick;
  const TimeNs now = clock_.Monotonic();
  TimeNs next = now + kIdleTick;
  for (const Partition p : worker.partitions) next = std::min(next, LaneOf(p).next_tick());
  for (const EndRetry& retry : worker.end_retries) next = std::min(next, retry.at);
  for (const TimeNs at : {worker.give_up_at, worker.release_by}) {
    if (at > now) next = std::min(next, at);
  }
  return std::max<TimeNs>(0, next - now);
}

bool LaneRunner::Turn(Worker& worker) {
  std::vector<In> inbox;
  bool stop;
  {
    const TimeNs rest = Rest(worker);
    MutexLock lock(worker.mutex);
    worker.wake.WaitFor(lock, rest, [&] {
      return !worker.inbox.empty() ||
             (worker.stop && (worker.release_by == 0 ? Idle(worker) : Done(worker)));
    });
    inbox.swap(worker.inbox);
    worker.queued_commands = 0;
    if (std::exchange(worker.batch_queued, false)) worker.reader_wake.NotifyAll();
    stop = worker.stop;
  }
  const TimeNs now = clock_.Now();
  const TimeNs monotonic = clock_.Monotonic();
  RetryHeld(worker);
  RetryEnds(worker, monotonic);
  ReadOn(worker);
  for (In& in : inbox) Take(std::move(in), now, monotonic);
  if (stop && worker.release_by == 0) {
    if (worker.give_up_at == 0) worker.give_up_at = monotonic + kStopPatience;
    if (monotonic >= worker.give_up_at) GiveUp(worker);
    if (Idle(worker)) Release(worker, monotonic);
  }
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
  return !(stop && Done(worker));
}

// The log is away: what it owes is for the callers to find out.
void LaneRunner::GiveUp(Worker& worker) {
  worker.held.clear();
  for (const Partition p : worker.partitions) {
    if (LaneOf(p).unanswered() > 0) LaneOf(p).Stop(Stopping());
  }
}

// Behind the last answer: RELEASE for each open partition, so that another takes it up at once.
void LaneRunner::Release(Worker& worker, TimeNs monotonic) {
  worker.release_by = monotonic + kHandOver;
  if (!options_.follow) return;
  for (const Partition p : worker.partitions) LaneOf(p).Release(SuccessorOf(p));
}

void LaneRunner::FindSuccessors() {
  if (options_.follow && options_.successors) successors_ = options_.successors();
}

std::string LaneRunner::SuccessorOf(Partition partition) const {
  return successors_.empty() ? ""
                             : successors_[static_cast<size_t>(partition) % successors_.size()];
}

void LaneRunner::HandOver(TimeNs patience) {
  if (!options_.follow || stopping_ || leaving_) return;
  FindSuccessors();
  leaving_ = true;
  for (Partition p = 0; p < kPartitions; ++p) Post({p, ReleaseIn{SuccessorOf(p)}});
  Worker& worker = *workers_.front();
  MutexLock lock(worker.mutex);
  worker.wake.WaitFor(lock, patience, [this] {
    return failed_once_ || std::none_of(published_.begin(), published_.end(),
                                        [](const Published& p) { return p.open.load(); });
  });
}

bool LaneRunner::Done(const Worker& worker) const {
  if (!Idle(worker) || worker.release_by == 0) return false;
  return clock_.Monotonic() >= worker.release_by ||
         std::none_of(worker.partitions.begin(), worker.partitions.end(),
                      [this](Partition p) { return LaneOf(p).releasing(); });
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
    TakeEnd(in.partition, *end, monotonic);
  } else if (auto* batch = std::get_if<BatchIn>(&in.what)) {
    TakeBatch(std::move(*batch), monotonic);
  } else if (auto* release = std::get_if<ReleaseIn>(&in.what)) {
    lane.Release(release->successor);
  } else if (!stopping_ && !leaving_) {
    lane.Hint(std::get<HintIn>(in.what).mine, monotonic);
  }
}

void LaneRunner::TakeEnd(Partition partition, const EndIn& end, TimeNs monotonic) {
  if (!end.end.has_value()) {
    WorkerOf(partition).end_retries.push_back({partition, end.read_back, monotonic + kRetryPause});
  } else if (end.read_back) {
    ReadBack(partition, LaneOf(partition).read_to(), *end.end);
  } else {
    LaneOf(partition).End(*end.end);
  }
}

void LaneRunner::RetryEnds(Worker& worker, TimeNs monotonic) {
  while (!worker.end_retries.empty() && worker.end_retries.front().at <= monotonic) {
    const EndRetry retry = worker.end_retries.front();
    worker.end_retries.pop_front();
    retry.read_back ? ReadLogEnd(retry.partition, true) : LaneOf(retry.partition).EndUnknown();
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
  // The reader brings it.
  if (options_.follow) return;
  if (to == kNoOffset) return ReadLogEnd(partition, true);
  ReadingBack& reading = WorkerOf(partition).reading_back[partition];
  reading.to = std::max(reading.to, to);
  if (reading.tail != nullptr) return;
  absl::StatusOr<std::unique_ptr<Tail>> tail = log_.OpenTail({{partition, from}});
  if (!tail.ok()) return Failed(partition, tail.status());
  reading.tail = *std::move(tail);
}

void LaneRunner::ReadOn(Worker& worker) {
  worker.read_back_pauses = false;
  for (auto it = worker.reading_back.begin(); it != worker.reading_back.end();) {
    const auto& [partition, reading] = *it;
    absl::Status status =
        reading.tail == nullptr ? absl::OkStatus() : ReadBatch(partition, it->second);
    if (status.code() == absl::StatusCode::kUnavailable) {
      worker.read_back_pauses = true;
      status = absl::OkStatus();
    }
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
  ReadLogEnd(partition, false);
}

void LaneRunner::ReadLogEnd(Partition partition, bool read_back) {
  ++WorkerOf(partition).owed;
  log_.ReadEnd(partition, [this, partition, read_back](absl::StatusOr<Offset> end) {
    EndIn in;
    in.read_back = read_back;
    if (end.ok()) in.end = *end;
    if (std::this_thread::get_id() == WorkerOf(partition).thread.get_id()) {
      --WorkerOf(partition).owed;
      TakeEnd(partition, in, clock_.Monotonic());
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
  if (stopping_) return;
  if (options_.follow && IsLogFault(why)) return tracker_.Fault(partition, why);
  FailAll(why);
}

void LaneRunner::FailAll(const absl::Status& why) {
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
  if (!stopping_ && !leaving_) FindSuccessors();
  stopping_ = true;
  for (const auto& worker : workers_) {
    MutexLock lock(worker->mutex);
    worker->stop = true;
    worker->wake.NotifyAll();
  }
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
    StopReader(*worker);
  }
}

void LaneRunner::StopReader(Worker& worker) {
  if (!worker.reader.joinable()) return;
  {
    MutexLock lock(worker.mutex);
    worker.stop_reading = true;
    worker.reader_wake.NotifyAll();
  }
  worker.tail->Wake();
  worker.reader.join();
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

int64_t LaneRunner::void_records(Partition partition) const {
  return published_[static_cast<size_t>(partition)].void_records;
}

bool LaneRunner::open(Partition partition) const {
  return published_[static_cast<size_t>(partition)].open;
}

}  // namespace crm
