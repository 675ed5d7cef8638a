#include "common/log/kafka/topic_settings.h"

#include <fmt/format.h>

#include <charconv>

#include "common/base/status.h"

namespace crm {
namespace {

constexpr int64_t kLeastMessageBytes = 2 << 20;
constexpr char kNewMessageBytes[] = "4194304";

struct Wanted {
  const char* name;
  const char* value;
  // At least the value, as a number, instead of equal to it.
  bool at_least;
  const char* why;
};

constexpr Wanted kWanted[] = {
    {"retention.ms", "-1", false, "the log is the truth and is kept for ever"},
    {"retention.bytes", "-1", false, "the log is the truth and is kept for ever"},
    {"cleanup.policy", "delete", false, "compaction would remove events"},
    {"unclean.leader.election.enable", "false", false, "acknowledged events could be lost"},
    {"max.message.bytes", "2097152", true, "records of up to 2 MiB are written"},
    {"message.timestamp.type", "CreateTime", false, "the brokers' clocks are not the log's"},
};
constexpr Wanted kWantedOfThree = {"min.insync.replicas", "2", true,
                                   "acknowledged events must lie on two brokers"};

int64_t NumberOf(const std::string& text) {
  int64_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool Right(const Wanted& wanted, const std::string& value) {
  return wanted.at_least ? NumberOf(value) >= NumberOf(wanted.value) : value == wanted.value;
}

absl::Status Refuse(const std::string& topic, const Wanted& wanted, const std::string& value) {
  return Error(
      absl::StatusCode::kFailedPrecondition, "TOPIC_SETTING",
      fmt::format("topic {} has {}={}, it must be {}{}: {}. Mend it with `kafka-configs.sh --alter "
                  "--entity-type topics --entity-name {} --add-config {}={}`",
                  topic, wanted.name, value, wanted.at_least ? "at least " : "", wanted.value,
                  wanted.why, topic, wanted.name, wanted.value),
      {{"topic", topic}, {"setting", wanted.name}, {"value", value}});
}

absl::Status CheckOne(const rd_kafka_ConfigResource_t& resource, const TopicShape& shape) {
  const std::string topic = rd_kafka_ConfigResource_name(&resource);
  const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(&resource);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(error, fmt::format("read the settings of topic {}", topic));
  }
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(&resource, &count);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view name = rd_kafka_ConfigEntry_name(entries[i]);
    const char* text = rd_kafka_ConfigEntry_value(entries[i]);
    const std::string value = text == nullptr ? "" : text;
    for (const Wanted& wanted : kWanted) {
      if (name == wanted.name && !Right(wanted, value)) return Refuse(topic, wanted, value);
    }
    if (shape.replication >= 3 && name == kWantedOfThree.name && !Right(kWantedOfThree, value)) {
      return Refuse(topic, kWantedOfThree, value);
    }
  }
  return absl::OkStatus();
}

absl::Status CheckShape(const std::string& topic, const TopicShape& shape) {
  if (!shape.exists) {
    return Error(absl::StatusCode::kNotFound, "TOPIC_MISSING",
                 fmt::format("topic {} is not there: make it with `crmctl topics create`, or start "
                             "with --create-topics",
                             topic),
                 {{"topic", topic}});
  }
  if (shape.partitions == kPartitions) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition, "TOPIC_SETTING",
      fmt::format("topic {} has {} partitions, it must have {} for life: delete it if it "
                  "holds nothing, then `crmctl topics create`",
                  topic, shape.partitions, kPartitions),
      {{"topic", topic}, {"setting", "partitions"}, {"value", std::to_string(shape.partitions)}});
}

struct Resources {
  std::vector<rd_kafka_ConfigResource_t*> all;
  explicit Resources(const std::vector<std::string>& topics) {
    for (const std::string& topic : topics) {
      all.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
    }
  }
  ~Resources() { rd_kafka_ConfigResource_destroy_array(all.data(), all.size()); }
};

}  // namespace

std::vector<std::pair<std::string, std::string>> SettingsForNewTopic(int replication) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Wanted& wanted : kWanted) settings.emplace_back(wanted.name, wanted.value);
  for (auto& [name, value] : settings) {
    if (name == "max.message.bytes") value = kNewMessageBytes;
  }
  if (replication >= 3) settings.emplace_back(kWantedOfThree.name, kWantedOfThree.value);
  return settings;
}

KafkaPtr<rd_kafka_event_t> WaitForAnswer(rd_kafka_queue_t* queue, TimeNs patience) {
  return KafkaPtr<rd_kafka_event_t>(
      rd_kafka_queue_poll(queue, static_cast<int>(patience / kMillisecond) + 1));
}

absl::Status CheckTopicSettings(BrokerQueries& queries, const std::vector<std::string>& topics,
                                const std::vector<TopicShape>& shapes, TimeNs patience) {
  for (size_t i = 0; i < topics.size(); ++i) {
    CRM_RETURN_IF_ERROR(CheckShape(topics[i], shapes[i]));
  }
  const KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(queries.client()));
  Resources resources(topics);
  KafkaPtr<rd_kafka_AdminOptions_t> options(
      rd_kafka_AdminOptions_new(queries.client(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS));
  char why[256];
  rd_kafka_AdminOptions_set_request_timeout(
      options.get(), static_cast<int>(patience / kMillisecond), why, sizeof why);
  rd_kafka_DescribeConfigs(queries.client(), resources.all.data(), resources.all.size(),
                           options.get(), queue.get());
  const auto event = WaitForAnswer(queue.get(), patience + kSecond);
  if (event == nullptr) {
    return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "read the topics' settings");
  }
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(rd_kafka_event_error(event.get()), "read the topics' settings");
  }
  size_t count = 0;
  const rd_kafka_ConfigResource_t** found = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const std::string_view name = rd_kafka_ConfigResource_name(found[i]);
    for (size_t t = 0; t < topics.size(); ++t) {
      if (name == topics[t]) CRM_RETURN_IF_ERROR(CheckOne(*found[i], shapes[t]));
    }
  }
  return absl::OkStatus();
}

}  // namespace crm
