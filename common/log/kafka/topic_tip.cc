#include "common/log/kafka/topic_tip.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/log/kafka/record_headers.h"

namespace crm {
namespace {

constexpr int kPollMilliseconds = 100;
// Published together.
constexpr size_t kBatchMessages = 1'000;

ErrorMetadata Place(const std::string& topic, Partition partition) {
  return {{"topic", topic}, {"partition", std::to_string(partition)}};
}

KafkaSettings TipSettings(size_t memory_bytes) {
  const size_t kibibytes = std::max<size_t>(1'024, memory_bytes / 1'024);
  return {{"enable.auto.commit", "false"},
          {"auto.offset.reset", "error"},
          {"check.crcs", "true"},
          {"isolation.level", "read_uncommitted"},
          {"enable.partition.eof", "true"},
          {"fetch.wait.max.ms", "100"},
          {"fetch.error.backoff.ms", "20"},
          {"queued.min.messages", "10000000"},
          {"queued.max.messages.kbytes", std::to_string(kibibytes)}};
}

}  // namespace

absl::Status LogTrimmed(const std::string& topic, Partition partition, Offset begin) {
  return Error(absl::StatusCode::kDataLoss, "LOG_TRIMMED",
               fmt::format("{} partition {} begins at offset {} instead of 0: records were deleted "
                           "from the log. Restore the topic from a copy, and set retention.ms and "
                           "retention.bytes to -1",
                           topic, partition, begin),
               Place(topic, partition));
}

absl::Status LogReplaced(const std::string& topic, Partition partition, const std::string& how) {
  return Error(
      absl::StatusCode::kDataLoss, "LOG_REPLACED",
      fmt::format("{} partition {} is not the log that was opened any more: {}. Restore "
                  "the topic from a copy, or start with new projections if it was replaced "
                  "on purpose",
                  topic, partition, how),
      Place(topic, partition));
}

absl::StatusOr<std::unique_ptr<TopicTip>> TopicTip::Start(const KafkaConnection& connection,
                                                          std::vector<Topic> topics,
                                                          size_t memory_bytes,
                                                          const KafkaNote& note) {
  CRM_ASSIGN_OR_RETURN(auto client, KafkaClient::Make(RD_KAFKA_CONSUMER, connection,
                                                      TipSettings(memory_bytes), note));
  std::unique_ptr<TopicTip> tip(new TopicTip(std::move(client), std::move(topics)));
  tip->thread_ = std::thread([raw = tip.get()] { raw->Run(); });
  return tip;
}

TopicTip::TopicTip(std::unique_ptr<KafkaClient> client, std::vector<Topic> topics)
    : client_(std::move(client)), queue_(rd_kafka_queue_new(client_->get())) {
  for (Topic& topic : topics) {
    auto followed = std::make_unique<Followed>();
    followed->topic = std::move(topic);
    rd_kafka_topic_conf_t* conf = rd_kafka_topic_conf_new();
    rd_kafka_topic_conf_set_opaque(conf, followed.get());
    followed->handle.reset(rd_kafka_topic_new(client_->get(), followed->topic.name.c_str(), conf));
    followed->known = followed->topic.feed->AllEnds();
    for (Partition p = 0; p < kPartitions; ++p) {
      followed->runs.emplace_back(followed->topic.name, p, followed->known[p]);
      const int started =
          rd_kafka_consume_start_queue(followed->handle.get(), p, followed->known[p], queue_.get());
      CRM_CHECK(started == 0);
    }
    topics_.push_back(std::move(followed));
  }
}

TopicTip::~TopicTip() {
  stop_ = true;
  rd_kafka_queue_yield(queue_.get());
  if (thread_.joinable()) thread_.join();
  for (const auto& topic : topics_) {
    for (Partition p = 0; p < kPartitions; ++p) rd_kafka_consume_stop(topic->handle.get(), p);
  }
  queue_.reset();
  topics_.clear();
}

void TopicTip::Run() {
  std::vector<rd_kafka_message_t*> messages(kBatchMessages);
  while (!stop_) {
    // A batch that is waited for waits until it is full, so one message is waited for.
    messages[0] = rd_kafka_consume_queue(queue_.get(), kPollMilliseconds);
    if (messages[0] == nullptr) continue;
    const ssize_t more =
        rd_kafka_consume_batch_queue(queue_.get(), 0, messages.data() + 1, kBatchMessages - 1);
    const size_t count = 1 + static_cast<size_t>(std::max<ssize_t>(0, more));
    for (auto& topic : topics_) topic->known = topic->topic.feed->AllEnds();
    for (size_t i = 0; i < count; ++i) {
      See(*messages[i]);
      rd_kafka_message_destroy(messages[i]);
    }
    Publish();
  }
}

void TopicTip::See(const rd_kafka_message_t& message) {
  if (message.rkt == nullptr || message.partition < 0 || message.partition >= kPartitions) return;
  auto& followed = *static_cast<Followed*>(rd_kafka_topic_opaque(message.rkt));
  const Topic& topic = followed.topic;
  RecordRun& run = followed.runs[static_cast<size_t>(message.partition)];
  absl::Status seen;
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      // Known by its delivery report: not parsed again.
      if (run.records().empty() && message.offset < followed.known[message.partition]) {
        run.SkipTo(std::max(run.next(), message.offset + 1));
        break;
      }
      seen = run.Add(RecordOf(message));
      break;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      seen = run.FillTo(message.offset);
      break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      seen = LogReplaced(topic.name, message.partition,
                         fmt::format("offset {} is not there", run.next()));
      break;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
      seen = Error(absl::StatusCode::kDataLoss, "LOG_DAMAGED",
                   fmt::format("{} partition {} holds a damaged batch at offset {}: restore the "
                               "topic from a copy",
                               topic.name, message.partition, run.next()),
                   Place(topic.name, message.partition));
      break;
    default:
      // Brokers come and go: the client tries again by itself.
      break;
  }
  if (!seen.ok()) topic.feed->Fail(message.partition, seen);
}

void TopicTip::Publish() {
  for (auto& followed : topics_) {
    for (Partition p = 0; p < kPartitions; ++p) {
      RecordRun& run = followed->runs[static_cast<size_t>(p)];
      if (run.records().empty()) continue;
      const Offset first = run.records().front().offset;
      followed->topic.feed->Offer(
          {p, first, std::make_shared<const std::vector<Record>>(run.Take())});
    }
  }
}

}  // namespace crm
