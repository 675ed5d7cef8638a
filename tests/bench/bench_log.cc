#include "tests/bench/bench_log.h"

#include <filesystem>
#include <utility>

#include "common/base/status.h"
#include "common/log/embedded/embedded_log.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/kafka_topics.h"
#include "crm/contact/v1/contact_events.pb.h"

namespace crm {
namespace {

std::string SecretCheck(const Random* maker) {
  return maker == nullptr ? std::string() : std::string(16, 's');
}

absl::StatusOr<std::unique_ptr<LogEngine>> OpenEmbedded(const BenchLogOptions& options,
                                                        Random* maker) {
  std::filesystem::create_directories(options.directory);
  EmbeddedLogOptions log;
  log.directory = options.directory;
  log.topics = {options.topic};
  log.secret_check = SecretCheck(maker);
  log.random = maker;
  log.memory_bytes = options.memory_bytes;
  return EmbeddedLogEngine::Open(std::move(log));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogEngine>> OpenBenchLog(const BenchLogOptions& options,
                                                        Random* maker) {
  if (options.kafka_bootstrap.empty()) return OpenEmbedded(options, maker);
  KafkaLogOptions log;
  log.connection.bootstrap = options.kafka_bootstrap;
  log.connection.client_id = "bench";
  log.topics = {{options.topic, &contact::v1::ContactRecord::default_instance()}};
  log.secret_check = SecretCheck(maker);
  log.memory_bytes = options.memory_bytes;
  if (maker != nullptr) {
    TopicCreation creation;
    creation.topics = {options.topic};
    creation.identity.log_id = maker->Uuid();
    creation.identity.secret_check = log.secret_check;
    CRM_RETURN_IF_ERROR(CreateTopics(log.connection, creation).status());
  }
  return KafkaLogEngine::Open(std::move(log));
}

}  // namespace crm
