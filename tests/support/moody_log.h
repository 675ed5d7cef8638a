#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/log/memory/memory_log.h"

namespace crm::testing {

// A log in memory that, while it is told to, says of appends only that they are durable, answers
// UNAVAILABLE, or has lost the beginning of a partition. Thread-safe.
class MoodyLog final : public Log {
 public:
  explicit MoodyLog(const std::string& topic)
      : log_({.topic = topic, .identity = {"log", "check", 0}}) {}

  const std::string& topic() const override { return log_.topic(); }
  const LogIdentity& identity() const override { return log_.identity(); }
  absl::Status Append(Partition partition, RecordBatch records, AppendDone done) override {
    const bool silent = places_unknown;
    return log_.Append(partition, std::move(records),
                       [silent, done](absl::StatusOr<std::vector<Offset>> offsets) {
                         if (silent && offsets.ok()) {
                           for (Offset& offset : *offsets) offset = kNoOffset;
                         }
                         done(std::move(offsets));
                       });
  }
  void ReadEnd(Partition partition, EndDone done) override {
    if (ends_fail) {
      ++failed_ends;
      return done(Away());
    }
    log_.ReadEnd(partition, std::move(done));
  }
  absl::StatusOr<std::unique_ptr<Tail>> OpenTail(std::vector<TailStart> starts) override {
    if (away) return Away();
    for (const TailStart& start : starts) {
      if (start.partition == trimmed) return Trimmed();
    }
    CRM_ASSIGN_OR_RETURN(auto tail, log_.OpenTail(starts));
    return std::make_unique<MoodyTail>(*this, std::move(starts), std::move(tail));
  }
  absl::StatusOr<Offset> BeginOffset(Partition partition) override {
    return log_.BeginOffset(partition);
  }
  absl::StatusOr<Offset> EndOffset(Partition partition) override {
    return log_.EndOffset(partition);
  }

  std::atomic<bool> places_unknown{false};
  std::atomic<bool> ends_fail{false};
  std::atomic<int> failed_ends{0};
  std::atomic<bool> away{false};
  std::atomic<int> failed_polls{0};
  std::atomic<Partition> trimmed{-1};

 private:
  class MoodyTail final : public Tail {
   public:
    MoodyTail(MoodyLog& log, std::vector<TailStart> starts, std::unique_ptr<Tail> tail)
        : log_(log), starts_(std::move(starts)), tail_(std::move(tail)) {}
    absl::StatusOr<TailBatch> Poll(TimeNs max_wait) override {
      if (log_.away) {
        ++log_.failed_polls;
        return Away();
      }
      for (const TailStart& start : starts_) {
        if (start.partition == log_.trimmed) return log_.Trimmed();
      }
      return tail_->Poll(std::min(max_wait, 10 * kMillisecond));
    }
    void Wake() override { tail_->Wake(); }

   private:
    MoodyLog& log_;
    const std::vector<TailStart> starts_;
    const std::unique_ptr<Tail> tail_;
  };

  static absl::Status Away() {
    return Error(absl::StatusCode::kUnavailable, "BROKER_AWAY", "the log's server is away");
  }
  absl::Status Trimmed() const {
    return Error(absl::StatusCode::kDataLoss, "LOG_TRIMMED", "the log was trimmed",
                 {{"partition", std::to_string(trimmed)}});
  }

  MemoryLog log_;
};

}  // namespace crm::testing
