#include "common/log/kafka/broker_queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/log/kafka/record_headers.h"

namespace crm {
namespace {

constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
// A question is put again in slices, so that it is known early when no broker can be reached.
constexpr TimeNs kSlice = 250 * kMillisecond;

int Milliseconds(TimeNs time) {
  return static_cast<int>(std::max<TimeNs>(1, time / kMillisecond));
}

// Counts down from the patience given.
class Deadline {
 public:
  explicit Deadline(TimeNs patience) : at_(clock_.Monotonic() + patience) {}
  TimeNs left() const { return at_ - clock_.Monotonic(); }
  bool passed() const { return left() <= 0; }

 private:
  SystemClock clock_;
  TimeNs at_;
};

struct MetadataDeleter {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
using Metadata = std::unique_ptr<const rd_kafka_metadata_t, MetadataDeleter>;

// Of one topic, or of none where `topic` is null.
absl::StatusOr<Metadata> Ask(KafkaClient& client, rd_kafka_topic_t* topic, TimeNs patience) {
  const Deadline deadline(patience);
  while (true) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const TimeNs slice = std::clamp<TimeNs>(deadline.left(), kMillisecond, kSlice);
    const rd_kafka_resp_err_t error =
        rd_kafka_metadata(client.get(), 0, topic, &metadata, Milliseconds(slice));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Metadata(metadata);
    CRM_RETURN_IF_ERROR(client.Trouble());
    if (deadline.passed()) return KafkaError(error, "reach a broker");
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<BrokerQueries>> BrokerQueries::Make(
    const KafkaConnection& connection, const KafkaNote& note) {
  CRM_ASSIGN_OR_RETURN(auto client,
                       KafkaClient::Make(RD_KAFKA_CONSUMER, connection,
                                         {{"enable.auto.commit", "false"},
                                          {"auto.offset.reset", "error"},
                                          {"check.crcs", "true"},
                                          {"isolation.level", "read_uncommitted"},
                                          {"enable.partition.eof", "true"},
                                          // Other questions wait behind a fetch that waits.
                                          {"fetch.wait.max.ms", "5"},
                                          {"fetch.error.backoff.ms", "20"},
                                          {"fetch.message.max.bytes", "16384"}},
                                         note));
  return std::unique_ptr<BrokerQueries>(new BrokerQueries(std::move(client)));
}

absl::StatusOr<int> BrokerQueries::Brokers(TimeNs patience) {
  CRM_ASSIGN_OR_RETURN(const Metadata metadata, Ask(*client_, nullptr, patience));
  return metadata->broker_cnt;
}

absl::StatusOr<std::vector<TopicShape>> BrokerQueries::Shapes(
    const std::vector<std::string>& topics, TimeNs patience) {
  std::vector<TopicShape> shapes;
  for (const std::string& name : topics) {
    KafkaPtr<rd_kafka_topic_t> topic(rd_kafka_topic_new(client(), name.c_str(), nullptr));
    CRM_ASSIGN_OR_RETURN(const Metadata metadata, Ask(*client_, topic.get(), patience));
    TopicShape shape;
    if (metadata->topic_cnt > 0) {
      const rd_kafka_metadata_topic_t& found = metadata->topics[0];
      if (found.err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        return KafkaError(found.err, fmt::format("describe topic {}", name));
      }
      shape.partitions = found.partition_cnt;
      shape.exists = found.partition_cnt > 0;
      if (shape.exists) shape.replication = found.partitions[0].replica_cnt;
    }
    shapes.push_back(shape);
  }
  return shapes;
}

absl::StatusOr<std::vector<Offset>> BrokerQueries::Ends(const std::vector<LogPlace>& places,
                                                        TimeNs patience) {
  return Offsets(places, kLatest, patience);
}

absl::StatusOr<std::vector<Offset>> BrokerQueries::Begins(const std::vector<LogPlace>& places,
                                                          TimeNs patience) {
  return Offsets(places, kEarliest, patience);
}

// The leader may have moved, which the client learns by being refused: asked again until the
// deadline.
absl::StatusOr<std::vector<Offset>> BrokerQueries::Offsets(const std::vector<LogPlace>& places,
                                                           int64_t which, TimeNs patience) {
  const Deadline deadline(patience);
  while (true) {
    KafkaPtr<rd_kafka_topic_partition_list_t> list(
        rd_kafka_topic_partition_list_new(static_cast<int>(places.size())));
    for (const LogPlace& place : places) {
      rd_kafka_topic_partition_list_add(list.get(), place.topic.c_str(), place.partition)->offset =
          which;
    }
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(
        client(), list.get(), Milliseconds(std::max<TimeNs>(deadline.left(), kMillisecond)));
    std::vector<Offset> offsets;
    for (size_t i = 0; i < places.size() && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      // The answer may come in another order.
      const rd_kafka_topic_partition_t* found = rd_kafka_topic_partition_list_find(
          list.get(), places[i].topic.c_str(), places[i].partition);
      error = found->err;
      offsets.push_back(found->offset);
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return offsets;
    if (deadline.passed() || error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
      return KafkaError(error, fmt::format("read the ends of {}", places.front().topic));
    }
    // Waits without a sleep: the question below reaches the brokers, or takes its time.
    CRM_RETURN_IF_ERROR(Shapes({places.front().topic}, kSlice).status());
  }
}

namespace {

// Reads some ranges through one queue.
class RangeReading {
 public:
  RangeReading(rd_kafka_t* client, const std::vector<LogRange>& ranges)
      : ranges_(ranges), queue_(rd_kafka_queue_new(client)), records_(ranges.size()) {
    for (size_t i = 0; i < ranges.size(); ++i) {
      if (ranges[i].from >= ranges[i].to) continue;
      const LogPlace& place = ranges[i].place;
      KafkaPtr<rd_kafka_topic_t> topic(rd_kafka_topic_new(client, place.topic.c_str(), nullptr));
      rd_kafka_consume_start_queue(topic.get(), place.partition, ranges[i].from, queue_.get());
      reading_[{place.topic, place.partition}] = {i, std::move(topic)};
    }
  }
  ~RangeReading() {
    while (!reading_.empty()) Stop(reading_.begin());
  }

  absl::StatusOr<std::vector<std::vector<Record>>> Run(TimeNs patience) {
    const Deadline deadline(patience);
    while (!reading_.empty()) {
      if (deadline.passed()) {
        return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT,
                          fmt::format("read {}", reading_.begin()->first.first));
      }
      rd_kafka_message_t* message =
          rd_kafka_consume_queue(queue_.get(), Milliseconds(std::min(deadline.left(), kSlice)));
      if (message == nullptr) continue;
      const absl::Status seen = See(*message);
      rd_kafka_message_destroy(message);
      CRM_RETURN_IF_ERROR(seen);
    }
    return std::move(records_);
  }

 private:
  struct Reading {
    size_t range = 0;
    KafkaPtr<rd_kafka_topic_t> topic;
  };
  using Readings = std::map<std::pair<std::string, Partition>, Reading>;

  absl::Status See(const rd_kafka_message_t& message) {
    const auto found = reading_.find({rd_kafka_topic_name(message.rkt), message.partition});
    if (found == reading_.end()) return absl::OkStatus();
    const LogRange& range = ranges_[found->second.range];
    const bool end = message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      return Error(absl::StatusCode::kOutOfRange, "OFFSET_OUT_OF_RANGE",
                   fmt::format("{} partition {} does not hold offset {}", range.place.topic,
                               range.place.partition, range.from));
    }
    // Other errors pass: the client tries again.
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR && !end) return absl::OkStatus();
    if (!end && message.offset < range.to) {
      records_[found->second.range].push_back(RecordOf(message));
    }
    if (message.offset + 1 >= range.to || end) Stop(found);
    return absl::OkStatus();
  }

  void Stop(Readings::iterator reading) {
    rd_kafka_consume_stop(reading->second.topic.get(), reading->first.second);
    reading_.erase(reading);
  }

  const std::vector<LogRange>& ranges_;
  KafkaPtr<rd_kafka_queue_t> queue_;
  Readings reading_;
  std::vector<std::vector<Record>> records_;
};

}  // namespace

absl::StatusOr<std::vector<std::vector<Record>>> BrokerQueries::Read(
    const std::vector<LogRange>& ranges, TimeNs patience) {
  MutexLock lock(reading_);
  return RangeReading(client(), ranges).Run(patience);
}

}  // namespace crm
