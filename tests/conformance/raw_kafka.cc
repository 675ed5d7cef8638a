#include "tests/conformance/raw_kafka.h"

#include <librdkafka/rdkafka.h>

#include "common/base/check.h"

namespace crm {
namespace {

constexpr int kMilliseconds = 20'000;

struct Report {
  bool done = false;
  Offset offset = kNoOffset;
};

void Delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  CRM_CHECK(message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
  *static_cast<Report*>(message->_private) = {true, message->offset};
}

rd_kafka_t* Client(rd_kafka_type_t type, const RawHeaders& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512];
  for (const auto& [name, value] : settings) {
    CRM_CHECK(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) ==
              RD_KAFKA_CONF_OK);
  }
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, Delivered);
  rd_kafka_t* client = rd_kafka_new(type, conf, why, sizeof why);
  CRM_CHECK(client != nullptr);
  return client;
}

// Takes the one result out of an admin call's event.
template <typename Call>
void Admin(rd_kafka_t* client, rd_kafka_admin_op_t operation, Call call) {
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  rd_kafka_AdminOptions_t* options = rd_kafka_AdminOptions_new(client, operation);
  char why[512];
  rd_kafka_AdminOptions_set_operation_timeout(options, kMilliseconds, why, sizeof why);
  call(options, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kMilliseconds);
  CRM_CHECK(event != nullptr && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(event);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_queue_destroy(queue);
}

}  // namespace

RawKafka::RawKafka(std::string bootstrap) : bootstrap_(std::move(bootstrap)) {}

RawKafka::~RawKafka() {
  for (const auto& [codec, producer] : producers_) rd_kafka_destroy(producer);
}

rd_kafka_t* RawKafka::ProducerFor(const std::string& codec) {
  rd_kafka_t*& producer = producers_[codec];
  if (producer == nullptr) {
    producer = Client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", bootstrap_},
                                          {"compression.codec", codec},
                                          {"message.max.bytes", "4000000"}});
  }
  return producer;
}

rd_kafka_t* RawKafka::Consumer(const std::string& group) {
  return Client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", bootstrap_}, {"group.id", group}});
}

Offset RawKafka::Produce(const RawRecord& record) {
  rd_kafka_t* const producer = ProducerFor(record.codec);
  rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  Report report;
  const auto bytes = [](const std::optional<std::string>& text) {
    return text.has_value() ? const_cast<char*>(text->data()) : nullptr;
  };
  const auto error = rd_kafka_producev(
      producer, RD_KAFKA_V_TOPIC(record.topic.c_str()), RD_KAFKA_V_PARTITION(record.partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(bytes(record.key), record.key.value_or("").size()),
      RD_KAFKA_V_VALUE(bytes(record.value), record.value.value_or("").size()),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(&report), RD_KAFKA_V_END);
  CRM_CHECK(error == RD_KAFKA_RESP_ERR_NO_ERROR);
  while (!report.done) rd_kafka_poll(producer, 100);
  return report.offset;
}

RawHeaders RawKafka::HeadersAt(const std::string& topic, Partition partition, Offset offset) {
  rd_kafka_t* const consumer = Consumer("raw");
  rd_kafka_topic_t* const handle = rd_kafka_topic_new(consumer, topic.c_str(), nullptr);
  CRM_CHECK(rd_kafka_consume_start(handle, partition, offset) == 0);
  rd_kafka_message_t* const message = rd_kafka_consume(handle, partition, kMilliseconds);
  CRM_CHECK(message != nullptr && message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
  RawHeaders found;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      found.emplace_back(name, std::string(static_cast<const char*>(value), size));
    }
  }
  rd_kafka_message_destroy(message);
  rd_kafka_consume_stop(handle, partition);
  rd_kafka_topic_destroy(handle);
  rd_kafka_destroy(consumer);
  return found;
}

void RawKafka::CreateTopic(const std::string& topic, int partitions, const RawHeaders& settings) {
  rd_kafka_t* const client = ProducerFor("none");
  char why[512];
  rd_kafka_NewTopic_t* made = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, why, sizeof why);
  for (const auto& [name, value] : settings) {
    rd_kafka_NewTopic_set_config(made, name.c_str(), value.c_str());
  }
  Admin(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, [&](auto* options, auto* queue) {
    rd_kafka_CreateTopics(client, &made, 1, options, queue);
  });
  rd_kafka_NewTopic_destroy(made);
  // The broker answers a moment before it shows the topic.
  rd_kafka_topic_t* const handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
  for (int shown = 0; shown != partitions;) {
    const rd_kafka_metadata_t* metadata = nullptr;
    CRM_CHECK(rd_kafka_metadata(client, 0, handle, &metadata, kMilliseconds) ==
              RD_KAFKA_RESP_ERR_NO_ERROR);
    shown = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
  }
  rd_kafka_topic_destroy(handle);
}

void RawKafka::SetSettings(const std::string& topic, const RawHeaders& settings) {
  rd_kafka_t* const client = ProducerFor("none");
  rd_kafka_ConfigResource_t* resource =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  for (const auto& [name, value] : settings) {
    rd_kafka_ConfigResource_set_config(resource, name.c_str(), value.c_str());
  }
  Admin(client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, [&](auto* options, auto* queue) {
    rd_kafka_AlterConfigs(client, &resource, 1, options, queue);
  });
  rd_kafka_ConfigResource_destroy(resource);
}

void RawKafka::AddPartitions(const std::string& topic, int partitions) {
  rd_kafka_t* const client = ProducerFor("none");
  char why[512];
  rd_kafka_NewPartitions_t* more =
      rd_kafka_NewPartitions_new(topic.c_str(), static_cast<size_t>(partitions), why, sizeof why);
  Admin(client, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, [&](auto* options, auto* queue) {
    rd_kafka_CreatePartitions(client, &more, 1, options, queue);
  });
  rd_kafka_NewPartitions_destroy(more);
}

void RawKafka::DeleteTopic(const std::string& topic) {
  rd_kafka_t* const client = ProducerFor("none");
  rd_kafka_DeleteTopic_t* gone = rd_kafka_DeleteTopic_new(topic.c_str());
  Admin(client, RD_KAFKA_ADMIN_OP_DELETETOPICS, [&](auto* options, auto* queue) {
    rd_kafka_DeleteTopics(client, &gone, 1, options, queue);
  });
  rd_kafka_DeleteTopic_destroy(gone);
}

void RawKafka::Trim(const std::string& topic, Partition partition, Offset begin) {
  rd_kafka_t* const client = ProducerFor("none");
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = begin;
  rd_kafka_DeleteRecords_t* gone = rd_kafka_DeleteRecords_new(list);
  Admin(client, RD_KAFKA_ADMIN_OP_DELETERECORDS, [&](auto* options, auto* queue) {
    rd_kafka_DeleteRecords(client, &gone, 1, options, queue);
  });
  rd_kafka_DeleteRecords_destroy(gone);
  rd_kafka_topic_partition_list_destroy(list);
}

Offset RawKafka::Committed(const std::string& group, const std::string& topic,
                           Partition partition) {
  rd_kafka_t* const consumer = Consumer(group);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition);
  CRM_CHECK(rd_kafka_committed(consumer, list, kMilliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR);
  const Offset offset = list->elems[0].offset;
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(consumer);
  return offset;
}

}  // namespace crm
