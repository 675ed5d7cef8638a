#include "common/projection/tail_runner.h"

#include <algorithm>

#include "common/base/status.h"

namespace crm {
namespace {

constexpr size_t kRecordsPerRound = 4096;
// Of a second each, for a record that is there.
constexpr int kPatientPolls = 10;
constexpr TimeNs kAfterError = 100 * kMillisecond;
// A view may be this much behind before it folds what has come, unless someone waits for it: fewer
// and larger writes.
constexpr TimeNs kGather = 50 * kMillisecond;

absl::Status Ahead(const Log& log, Partition partition, const StoredPosition& position,
                   const std::string& found) {
  return Error(absl::StatusCode::kFailedPrecondition, "PROJECTION_AHEAD_OF_LOG",
               "a projection has folded " + log.topic() + " partition " +
                   std::to_string(partition) + " up to offset " + std::to_string(position.stored) +
                   ", but the log " + found +
                   ". Acknowledged events are missing from the log. If it was restored from an "
                   "older copy on purpose, run `crmctl log adopt-restored`; else bring back the "
                   "newer log");
}

}  // namespace

absl::Status CheckPosition(Log& log, Partition partition, const StoredPosition& position) {
  if (position.stored == 0) return absl::OkStatus();
  const LogIdentity& identity = log.identity();
  if (position.log_id != identity.log_id) {
    return Error(absl::StatusCode::kNotFound, "PROJECTION_OF_ANOTHER_LOG",
                 "the projection was built from another log");
  }
  if (position.epoch < identity.epoch) {
    return Error(absl::StatusCode::kNotFound, "PROJECTION_OF_EARLIER_EPOCH",
                 "the log was restored after the projection was built");
  }
  CRM_ASSIGN_OR_RETURN(const Offset end, log.EndOffset(partition));
  if (end < position.stored) {
    return Ahead(log, partition, position, "ends at " + std::to_string(end));
  }
  CRM_ASSIGN_OR_RETURN(const auto tail, log.OpenTail({{partition, position.stored - 1}}));
  TailBatch batch;
  for (int i = 0; i < kPatientPolls && batch.records.empty(); ++i) {
    CRM_ASSIGN_OR_RETURN(batch, tail->Poll(kSecond));
  }
  if (batch.records.empty()) {
    return Error(absl::StatusCode::kUnavailable, "LOG_SLOW",
                 log.topic() + " partition " + std::to_string(partition) +
                     " does not answer; see the log of its server");
  }
  if (RecordHash(batch.records.front()) != position.stored_hash) {
    return Ahead(log, partition, position, "holds another record there");
  }
  return absl::OkStatus();
}

TailRunner::TailRunner(Log& log, const Projection& projection, EventSource source, Store& store,
                       PositionTracker& tracker, std::function<void(absl::Status)> failed)
    : log_(log),
      projection_(projection),
      source_(source),
      store_(store),
      tracker_(tracker),
      failed_(std::move(failed)) {}

TailRunner::~TailRunner() {
  Stop();
}

absl::Status TailRunner::Start() {
  std::vector<TailStart> starts;
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(StoredPosition position, LoadPosition(store_, p));
    CRM_RETURN_IF_ERROR(CheckPosition(log_, p, position));
    starts.push_back({p, position.stored});
    tracker_.Reset(p, position.stored);
    Lane& lane = lanes_[static_cast<size_t>(p)];
    lane.rows = std::make_unique<BatchRows>(store_);
    lane.fold = std::make_unique<PartitionFold>(projection_, source_, log_.identity(), p,
                                                std::move(position), *lane.rows);
  }
  tail_ = std::make_unique<SteadyTail>(log_, std::move(starts));
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void TailRunner::Stop() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (tail_ != nullptr) tail_->Wake();
  if (thread_.joinable()) thread_.join();
}

void TailRunner::Run() {
  while (!stop_) {
    if (const absl::Status status = Round(); !status.ok()) return failed_(status);
  }
}

absl::Status TailRunner::Round() {
  std::vector<Partition> touched;
  size_t records = 0;
  for (TimeNs wait = kSecond; records < kRecordsPerRound; wait = 0) {
    absl::StatusOr<SteadyTail::Read> read = tail_->Poll(wait);
    if (Passes(read.status())) {
      Pause();
      break;
    }
    CRM_RETURN_IF_ERROR(read.status());
    TailBatch& batch = read->batch;
    if (!read->fault.ok()) tracker_.Fault(batch.partition, read->fault);
    if (batch.records.empty()) break;
    if (records == 0 && !stop_) tracker_.LetGather(kGather);
    records += batch.records.size();
    CRM_RETURN_IF_ERROR(FoldBatch(std::move(batch), &touched));
  }
  return WriteRound(touched);
}

// The log is closing, or will answer later.
void TailRunner::Pause() {
  MutexLock lock(mutex_);
  wake_.WaitFor(lock, kAfterError, [this] { return stop_.load(); });
}

absl::Status TailRunner::FoldBatch(TailBatch batch, std::vector<Partition>* touched) {
  Lane& lane = lanes_[static_cast<size_t>(batch.partition)];
  for (Record& record : batch.records) CRM_RETURN_IF_ERROR(lane.fold->Accept(std::move(record)));
  if (std::find(touched->begin(), touched->end(), batch.partition) == touched->end()) {
    touched->push_back(batch.partition);
  }
  return absl::OkStatus();
}

absl::Status TailRunner::WriteRound(const std::vector<Partition>& touched) {
  RowBatch rows;
  for (const Partition p : touched) {
    Lane& lane = lanes_[static_cast<size_t>(p)];
    CRM_RETURN_IF_ERROR(lane.fold->Flush());
    rows.Append(lane.rows->Take());
  }
  if (!rows.empty()) CRM_RETURN_IF_ERROR(store_.Write(rows));
  for (const Partition p : touched) {
    tracker_.Advance(p, lanes_[static_cast<size_t>(p)].fold->position().read_to);
  }
  return absl::OkStatus();
}

}  // namespace crm
