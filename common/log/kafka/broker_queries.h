#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/log/kafka/kafka_client.h"
#include "common/log/record.h"

namespace crm {

struct LogPlace {
  std::string topic;
  Partition partition = 0;
};

struct LogRange {
  LogPlace place;
  // Half open.
  Offset from = 0;
  Offset to = 0;
};

struct TopicShape {
  bool exists = false;
  int partitions = 0;
  int replication = 0;
};

// Single questions to the brokers, each waited for. Thread-safe. Errors: UNAVAILABLE where no
// answer came in time, UNAUTHENTICATED and PERMISSION_DENIED as the brokers say.
class BrokerQueries {
 public:
  static absl::StatusOr<std::unique_ptr<BrokerQueries>> Make(const KafkaConnection& connection,
                                                             const KafkaNote& note);

  // Number of brokers. UNAVAILABLE as soon as it is known that none can be reached.
  absl::StatusOr<int> Brokers(TimeNs patience);
  absl::StatusOr<std::vector<TopicShape>> Shapes(const std::vector<std::string>& topics,
                                                 TimeNs patience);
  // No place twice. NOT_FOUND: a topic is not there.
  absl::StatusOr<std::vector<Offset>> Ends(const std::vector<LogPlace>& places, TimeNs patience);
  absl::StatusOr<std::vector<Offset>> Begins(const std::vector<LogPlace>& places, TimeNs patience);

  // The records of each range, which must not reach beyond the partition's end. No place twice; for
  // a few records each. OUT_OF_RANGE: an offset is not there any more.
  absl::StatusOr<std::vector<std::vector<Record>>> Read(const std::vector<LogRange>& ranges,
                                                        TimeNs patience);

  rd_kafka_t* client() const { return client_->get(); }

 private:
  explicit BrokerQueries(std::unique_ptr<KafkaClient> client) : client_(std::move(client)) {}
  absl::StatusOr<std::vector<Offset>> Offsets(const std::vector<LogPlace>& places, int64_t which,
                                              TimeNs patience);

  const std::unique_ptr<KafkaClient> client_;
  // A client reads a partition for one reader at a time.
  Mutex reading_;
};

}  // namespace crm
