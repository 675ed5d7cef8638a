#include "common/projection/steady_tail.h"

#include <google/rpc/error_info.pb.h>

#include <algorithm>

#include "common/base/status.h"

namespace crm {
namespace {

// The partition that an error of the log names.
std::optional<Partition> PartitionOfFault(const absl::Status& status) {
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return std::nullopt;
  const auto named = info.metadata().find("partition");
  if (named == info.metadata().end()) return std::nullopt;
  const std::string& text = named->second;
  const bool number =
      !text.empty() && text.size() <= 2 &&
      std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
  if (!number || std::stoi(text) >= kPartitions) return std::nullopt;
  return std::stoi(text);
}

}  // namespace

bool Passes(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

bool IsLogFault(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kOutOfRange) return true;
  const std::string reason = ReasonOf(status);
  return status.code() == absl::StatusCode::kDataLoss && reason != "STORAGE_DAMAGED" &&
         reason != "ROW_UNREADABLE";
}

SteadyTail::Read SteadyTail::Drop(Partition partition, absl::Status fault) {
  std::erase_if(starts_, [partition](const TailStart& s) { return s.partition == partition; });
  MutexLock lock(mutex_);
  tail_.reset();
  Read read;
  read.batch.partition = partition;
  read.fault = std::move(fault);
  return read;
}

// Opened one by one, each start tells for itself.
absl::StatusOr<std::optional<SteadyTail::Read>> SteadyTail::FindFault() {
  for (const TailStart& start : starts_) {
    const auto alone = log_.OpenTail({start});
    if (alone.ok()) continue;
    if (Passes(alone.status())) return alone.status();
    return Drop(start.partition, alone.status());
  }
  return std::nullopt;
}

absl::StatusOr<std::shared_ptr<Tail>> SteadyTail::Current(std::optional<Read>* fault) {
  {
    MutexLock lock(mutex_);
    if (tail_ != nullptr) return tail_;
  }
  absl::StatusOr<std::unique_ptr<Tail>> opened = log_.OpenTail(starts_);
  if (!opened.ok()) {
    if (Passes(opened.status())) return opened.status();
    CRM_ASSIGN_OR_RETURN(*fault, FindFault());
    if (fault->has_value()) return nullptr;
    return opened.status();
  }
  MutexLock lock(mutex_);
  tail_ = std::move(*opened);
  if (woken_) tail_->Wake();
  woken_ = false;
  return tail_;
}

absl::StatusOr<SteadyTail::Read> SteadyTail::Poll(TimeNs max_wait) {
  if (starts_.empty()) {
    return Error(absl::StatusCode::kUnavailable, "NOTHING_TO_READ", "no partition can be read");
  }
  std::optional<Read> fault;
  CRM_ASSIGN_OR_RETURN(const std::shared_ptr<Tail> tail, Current(&fault));
  if (tail == nullptr) return *std::move(fault);
  absl::StatusOr<TailBatch> batch = tail->Poll(max_wait);
  if (!batch.ok()) {
    if (Passes(batch.status())) return batch.status();
    const auto named = PartitionOfFault(batch.status());
    const auto read_here = [&](const TailStart& start) { return start.partition == named; };
    if (std::none_of(starts_.begin(), starts_.end(), read_here)) return batch.status();
    return Drop(*named, batch.status());
  }
  Read read;
  read.batch = *std::move(batch);
  if (read.batch.records.empty()) return read;
  for (TailStart& start : starts_) {
    if (start.partition == read.batch.partition) start.from = read.batch.records.back().offset + 1;
  }
  return read;
}

void SteadyTail::Wake() {
  MutexLock lock(mutex_);
  woken_ = tail_ == nullptr;
  if (tail_ != nullptr) tail_->Wake();
}

}  // namespace crm
