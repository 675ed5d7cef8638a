#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/log/log.h"

// Calls of a log that wait for their outcome.
namespace crm {

inline constexpr TimeNs kPatience = 20 * kSecond;

inline RecordBatch Batch(std::vector<Record> records) {
  return std::make_shared<const std::vector<Record>>(std::move(records));
}

inline Record EventOf(std::string key, std::string value, int64_t seq = 1) {
  Record record;
  record.key = std::move(key);
  record.fence = 1;
  record.seq = seq;
  record.last = true;
  record.value = std::move(value);
  return record;
}

// A key whose records belong to the partition.
inline std::string KeyIn(Partition partition) {
  for (int i = 0; true; ++i) {
    std::string key = "default/contacts/c" + std::to_string(i);
    if (PartitionOf(key) == partition) return key;
  }
}

// Appends and waits.
inline absl::StatusOr<std::vector<Offset>> AppendNow(Log& log, Partition partition,
                                                     std::vector<Record> records) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<std::vector<Offset>>>>();
  auto answer = promise->get_future();
  const absl::Status queued = log.Append(partition, Batch(std::move(records)),
                                         [promise](absl::StatusOr<std::vector<Offset>> offsets) {
                                           promise->set_value(std::move(offsets));
                                         });
  if (!queued.ok()) return queued;
  return answer.get();
}

// Polls until `count` records of the partition came.
inline std::vector<Record> ReadRecords(Tail& tail, size_t count) {
  std::vector<Record> records;
  while (records.size() < count) {
    auto batch = tail.Poll(kPatience);
    EXPECT_TRUE(batch.ok()) << batch.status();
    if (!batch.ok() || batch->records.empty()) break;
    for (Record& record : batch->records) records.push_back(std::move(record));
  }
  return records;
}

inline std::vector<Record> ReadPartition(Log& log, Partition partition, Offset from) {
  const Offset end = log.EndOffset(partition).value();
  auto tail = log.OpenTail({{partition, from}});
  EXPECT_TRUE(tail.ok()) << tail.status();
  if (!tail.ok()) return {};
  return ReadRecords(**tail, static_cast<size_t>(end - from));
}

inline std::vector<std::string> ValuesOf(const std::vector<Record>& records) {
  std::vector<std::string> values;
  for (const Record& record : records) values.push_back(record.value);
  return values;
}

}  // namespace crm
