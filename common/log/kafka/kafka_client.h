#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/kafka/kafka_options.h"

namespace crm {

using KafkaNote = std::function<void(const std::string&)>;
// Name and value, as librdkafka's CONFIGURATION.md lists them.
using KafkaSettings = std::vector<std::pair<std::string, std::string>>;

// One client of librdkafka: connection settings applied, its log sent to the connection's alarm.
// Thread-safe as librdkafka is. Queues, topics and the like made of it are gone before. Destruction
// takes a few seconds at most: a client that does not end, which happens after topics were deleted,
// is left to the process's end, and the note told.
class KafkaClient {
 public:
  // INVALID_ARGUMENT names the setting that librdkafka refuses, or the file that cannot be read;
  // never a secret. Does not wait for a broker.
  static absl::StatusOr<std::unique_ptr<KafkaClient>> Make(rd_kafka_type_t type,
                                                           const KafkaConnection& connection,
                                                           const KafkaSettings& settings,
                                                           const KafkaNote& note);
  ~KafkaClient();
  KafkaClient(const KafkaClient&) = delete;
  KafkaClient& operator=(const KafkaClient&) = delete;

  rd_kafka_t* get() const { return handle_; }

  // What the brokers or the connections to them reported since the last call and that waiting does
  // not mend soon: refused credentials, no broker reachable.
  absl::Status Trouble();

 private:
  struct Told {
    KafkaNote note;
    KafkaNote alarm;
  };
  explicit KafkaClient(Told told) : told_(std::make_shared<const Told>(std::move(told))) {}
  static void TellLine(const rd_kafka_t* handle, int level, const char* facility, const char* text);

  // Outlives the client where that does not end.
  const std::shared_ptr<const Told> told_;
  rd_kafka_t* handle_ = nullptr;
};

// UNAVAILABLE unless the code says better; `doing` completes "could not …".
absl::Status KafkaError(rd_kafka_resp_err_t error, std::string_view doing);

struct KafkaDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
};
template <typename T>
using KafkaPtr = std::unique_ptr<T, KafkaDeleter>;

}  // namespace crm
