#include "tests/cluster/topic_tamper.h"

#include <librdkafka/rdkafka.h>

#include "common/base/check.h"

namespace crm {
namespace {

constexpr int kPatienceMs = 20'000;

struct Delivered {
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__IN_PROGRESS;
  Offset offset = kNoOffset;
};

void OnDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto* delivered = static_cast<Delivered*>(message->_private);
  delivered->error = message->err;
  delivered->offset = message->offset;
}

absl::Status ToStatus(rd_kafka_resp_err_t error) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return absl::UnknownError(rd_kafka_err2str(error));
}

void* DataOf(const std::optional<std::string>& text) {
  return text.has_value() ? const_cast<char*>(text->data()) : nullptr;
}

size_t SizeOf(const std::optional<std::string>& text) {
  return text.has_value() ? text->size() : 0;
}

}  // namespace

struct TopicTamper::State {
  ~State() {
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
  }

  // The error of the request's one result.
  template <typename Results>
  absl::Status Answer(Results results) {
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kPatienceMs);
    if (event == nullptr) return absl::DeadlineExceededError("the brokers do not answer");
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = results(event);
    rd_kafka_event_destroy(event);
    return ToStatus(error);
  }

  rd_kafka_t* client = nullptr;
  rd_kafka_queue_t* queue = nullptr;
};

TopicTamper::TopicTamper(std::string bootstrap, const std::string& codec)
    : state_(std::make_unique<State>()) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char error[512] = "";
  const auto set = [&](const char* name, const std::string& value) {
    CRM_CHECK(rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof(error)) ==
              RD_KAFKA_CONF_OK);
  };
  set("bootstrap.servers", bootstrap);
  set("compression.codec", codec);
  set("message.max.bytes", "4000000");
  set("linger.ms", "0");
  rd_kafka_conf_set_dr_msg_cb(conf, OnDelivered);
  state_->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
  CRM_CHECK(state_->client != nullptr);
  state_->queue = rd_kafka_queue_new(state_->client);
}

TopicTamper::~TopicTamper() = default;

absl::StatusOr<Offset> TopicTamper::Produce(const std::string& topic, Partition partition,
                                            const StrangeRecord& record) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  Delivered delivered;
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      state_->client, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
      RD_KAFKA_V_KEY(DataOf(record.key), SizeOf(record.key)),
      RD_KAFKA_V_VALUE(DataOf(record.value), SizeOf(record.value)), RD_KAFKA_V_HEADERS(headers),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&delivered), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_headers_destroy(headers);
    return ToStatus(error);
  }
  rd_kafka_flush(state_->client, kPatienceMs);
  if (delivered.error != RD_KAFKA_RESP_ERR_NO_ERROR) return ToStatus(delivered.error);
  return delivered.offset;
}

absl::Status TopicTamper::Trim(const std::string& topic, Partition partition, Offset offset) {
  rd_kafka_topic_partition_list_t* before = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(before, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(before);
  rd_kafka_DeleteRecords(state_->client, &request, 1, nullptr, state_->queue);
  const absl::Status status = state_->Answer([](rd_kafka_event_t* event) {
    const auto* result = rd_kafka_event_DeleteRecords_result(event);
    return rd_kafka_DeleteRecords_result_offsets(result)->elems[0].err;
  });
  rd_kafka_DeleteRecords_destroy(request);
  rd_kafka_topic_partition_list_destroy(before);
  return status;
}

absl::Status TopicTamper::DeleteTopic(const std::string& topic) {
  rd_kafka_DeleteTopic_t* request = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_DeleteTopics(state_->client, &request, 1, nullptr, state_->queue);
  const absl::Status status = state_->Answer([](rd_kafka_event_t* event) {
    size_t count = 0;
    const auto* result = rd_kafka_event_DeleteTopics_result(event);
    return rd_kafka_topic_result_error(rd_kafka_DeleteTopics_result_topics(result, &count)[0]);
  });
  rd_kafka_DeleteTopic_destroy(request);
  return status;
}

}  // namespace crm
