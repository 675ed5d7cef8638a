#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/log/log.h"

namespace crm {

// Collects the records of one partition as they are read from Kafka, in offset order, and fills
// holes with kForeign records without a value, so that offsets are contiguous. Not thread-safe.
class RecordRun {
 public:
  // The next record is expected at `next`.
  RecordRun(std::string topic, Partition partition, Offset next)
      : topic_(std::move(topic)), partition_(partition), next_(next) {}

  // DATA_LOSS (LOG_HOLE): records are missing before it. What lies below next() is left out.
  absl::Status Add(Record record);
  // Records below `next` are known from elsewhere.
  void SkipTo(Offset next);
  // Nothing more lies below `end`.
  absl::Status FillTo(Offset end);

  Offset next() const { return next_; }
  size_t bytes() const { return bytes_; }
  const std::vector<Record>& records() const { return records_; }
  std::vector<Record> Take();

 private:
  std::string topic_;
  Partition partition_;
  Offset next_;
  size_t bytes_ = 0;
  std::vector<Record> records_;
  // The latest event, where no ownership record followed it.
  int64_t fence_ = kNoOffset;
  int64_t seq_ = 0;
};

}  // namespace crm
