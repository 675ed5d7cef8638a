#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"

struct rd_kafka_s;

namespace crm {

using RawHeaders = std::vector<std::pair<std::string, std::string>>;

struct RawRecord {
  std::string topic;
  Partition partition = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  RawHeaders headers;
  // none, gzip, snappy, lz4 or zstd.
  std::string codec = "none";
};

// A plain Kafka client, as somebody else's program has one: writes what the engine would not, and
// does to topics what nobody should. What fails stops the test. Not thread-safe.
class RawKafka {
 public:
  explicit RawKafka(std::string bootstrap);
  ~RawKafka();

  // Answers the offset.
  Offset Produce(const RawRecord& record);
  RawHeaders HeadersAt(const std::string& topic, Partition partition, Offset offset);
  void CreateTopic(const std::string& topic, int partitions, const RawHeaders& settings);
  // All that the topic's settings are; what is not named falls back to the broker's.
  void SetSettings(const std::string& topic, const RawHeaders& settings);
  void AddPartitions(const std::string& topic, int partitions);
  void DeleteTopic(const std::string& topic);
  // Deletes the records below `begin`.
  void Trim(const std::string& topic, Partition partition, Offset begin);
  Offset Committed(const std::string& group, const std::string& topic, Partition partition);

 private:
  rd_kafka_s* ProducerFor(const std::string& codec);
  rd_kafka_s* Consumer(const std::string& group);

  const std::string bootstrap_;
  std::map<std::string, rd_kafka_s*> producers_;
};

}  // namespace crm
