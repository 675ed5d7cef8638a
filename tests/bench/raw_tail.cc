// Reads a topic from its beginning with librdkafka alone: what any reader of the log could reach at
// most. Records are counted and dropped.
//
//   raw_tail --kafka-bootstrap HOST:PORT --topic NAME
//
// Prints one line of JSON: events, value_bytes (of one), seconds.

#include <fmt/format.h>
#include <librdkafka/rdkafka.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr int kPartitions = 16;
constexpr int kPollMilliseconds = 1000;
constexpr size_t kBatch = 1000;

[[noreturn]] void Fail(const char* why) {
  std::fprintf(stderr, "raw_tail: %s\n", why);
  std::exit(1);
}

rd_kafka_t* Consumer(const std::string& bootstrap) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char why[512];
  const std::vector<std::pair<const char*, std::string>> settings = {
      {"bootstrap.servers", bootstrap},        {"enable.auto.commit", "false"},
      {"auto.offset.reset", "error"},          {"check.crcs", "true"},
      {"enable.partition.eof", "true"},        {"queued.min.messages", "10000000"},
      {"queued.max.messages.kbytes", "131072"}};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK)
      Fail(why);
  }
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
  if (consumer == nullptr) Fail(why);
  return consumer;
}

}  // namespace

int main(int argc, char** argv) {
  std::string bootstrap;
  std::string name;
  CLI::App app("A topic read with librdkafka alone");
  app.add_option("--kafka-bootstrap", bootstrap)->required();
  app.add_option("--topic", name)->required();
  CLI11_PARSE(app, argc, argv);
  rd_kafka_t* consumer = Consumer(bootstrap);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(consumer, name.c_str(), nullptr);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(consumer);
  const auto start = std::chrono::steady_clock::now();
  for (int p = 0; p < kPartitions; ++p) rd_kafka_consume_start_queue(topic, p, 0, queue);
  std::vector<rd_kafka_message_t*> messages(kBatch);
  int64_t records = 0;
  int64_t bytes = 0;
  for (int open = kPartitions; open > 0;) {
    // A batch that is waited for waits until it is full, so one message is waited for.
    messages[0] = rd_kafka_consume_queue(queue, kPollMilliseconds);
    if (messages[0] == nullptr) continue;
    const ssize_t more = rd_kafka_consume_batch_queue(queue, 0, messages.data() + 1, kBatch - 1);
    for (ssize_t i = 0; i < 1 + std::max<ssize_t>(0, more); ++i) {
      if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) --open;
      if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++records;
        bytes += static_cast<int64_t>(messages[i]->len);
      }
      rd_kafka_message_destroy(messages[i]);
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%s\n", fmt::format("{{\"events\":{},\"value_bytes\":{},\"seconds\":{:.4f}}}",
                                  records, records == 0 ? 0 : bytes / records, seconds)
                          .c_str());
  for (int p = 0; p < kPartitions; ++p) rd_kafka_consume_stop(topic, p);
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(consumer);
  return 0;
}
