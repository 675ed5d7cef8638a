#include "common/service/log_opening.h"

#include <array>
#include <filesystem>
#include <map>
#include <set>

#include "common/base/status.h"
#include "common/log/embedded/embedded_log.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/kafka_topics.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

// One log for all services: whichever process makes topics makes all of them, under one log id.
constexpr std::array<const char*, 4> kTopics{"crm.analytics.events", "crm.campaign.events",
                                             "crm.contact.events", "crm.interaction.events"};

bool OnKafka(const ServerOptions& options) {
  return options.engine == "kafka";
}

std::string LogDirectoryOf(const ServerOptions& options) {
  return (fs::path(options.data_dir) / "log").string();
}

size_t MemoryOf(const ServerOptions& options) {
  return static_cast<size_t>(options.memory_budget / 4);
}

// With the record messages of the topics. A view may fold the topic of a service that runs
// elsewhere, or a reaction follow it.
std::map<std::string, const google::protobuf::Message*> TopicsOf(
    const std::vector<ServiceDefinition>& services) {
  std::map<std::string, const google::protobuf::Message*> topics;
  for (const ServiceDefinition& service : services) {
    topics[service.topic] = service.record;
    for (const ViewDefinition& view : service.views) {
      if (!view.topic.empty() && view.record != nullptr) topics[view.topic] = view.record;
    }
    for (const auto& reaction : service.reactions) {
      topics[std::string(reaction->topic())] = &reaction->record();
    }
  }
  return topics;
}

absl::StatusOr<std::unique_ptr<LogEngine>> OpenEmbedded(const LogOpening& opening) {
  EmbeddedLogOptions options;
  options.directory = LogDirectoryOf(opening.options);
  for (const auto& [topic, record] : TopicsOf(opening.services)) options.topics.push_back(topic);
  options.secret_check = opening.secret_check;
  options.random = &opening.random;
  options.memory_bytes = MemoryOf(opening.options);
  return EmbeddedLogEngine::Open(std::move(options));
}

KafkaConnection ConnectionOf(const LogOpening& opening) {
  const ServerOptions& options = opening.options;
  KafkaConnection connection;
  connection.alarm = opening.alarm;
  connection.bootstrap = options.kafka_bootstrap;
  connection.client_id = options.instance;
  connection.tls = options.kafka_tls;
  connection.ca_file = options.kafka_ca_file;
  connection.certificate_file = options.kafka_certificate_file;
  connection.key_file = options.kafka_key_file;
  connection.sasl_mechanism = options.kafka_sasl_mechanism;
  connection.sasl_username = options.kafka_sasl_username;
  connection.sasl_password_file = options.kafka_sasl_password_file;
  return connection;
}

absl::Status MakeTopics(const LogOpening& opening, const KafkaConnection& connection) {
  TopicCreation creation;
  std::set<std::string> topics(kTopics.begin(), kTopics.end());
  for (const auto& [topic, record] : TopicsOf(opening.services)) topics.insert(topic);
  creation.topics.assign(topics.begin(), topics.end());
  creation.replication_factor = opening.options.kafka_replication_factor;
  creation.identity.log_id = opening.random.Uuid();
  creation.identity.secret_check = opening.secret_check;
  CRM_ASSIGN_OR_RETURN(const TopicsCreated created, CreateTopics(connection, creation));
  if (opening.note && !created.created.empty()) {
    std::string text = "made the topics";
    for (const std::string& topic : created.created) text += " " + topic;
    opening.note(text + " of log " + created.log_id);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LogEngine>> OpenKafka(const LogOpening& opening) {
  KafkaLogOptions options;
  options.connection = ConnectionOf(opening);
  if (opening.options.create_topics) {
    CRM_RETURN_IF_ERROR(MakeTopics(opening, options.connection));
  }
  for (const auto& [topic, record] : TopicsOf(opening.services)) {
    options.topics.push_back({topic, record});
  }
  options.secret_check = opening.secret_check;
  options.memory_bytes = MemoryOf(opening.options);
  options.session_timeout = opening.options.kafka_session_timeout;
  options.note = opening.note;
  return KafkaLogEngine::Open(std::move(options));
}

}  // namespace

absl::StatusOr<Secret> ReadSecret(const ServerOptions& options, Random& random) {
  // A secret is made only together with its log: beside an older log a new one would be wrong.
  const bool make = !OnKafka(options) && !fs::exists(LogDirectoryOf(options));
  absl::StatusOr<Secret> secret = Secret::FromFile(options.secret_file, make ? &random : nullptr);
  if (!OnKafka(options) || !absl::IsNotFound(secret.status())) return secret;
  return Error(absl::StatusCode::kNotFound, "SECRET_FILE",
               "cannot read the secret file " + options.secret_file +
                   ": every process on the log needs the same one, and none of them makes it; name "
                   "it with --secret-file, or make it with crmctl topics create --secret-file");
}

absl::StatusOr<std::unique_ptr<LogEngine>> OpenLog(const LogOpening& opening) {
  return OnKafka(opening.options) ? OpenKafka(opening) : OpenEmbedded(opening);
}

bool IsWorthWaiting(const ServerOptions& options, const absl::Status& error) {
  if (!OnKafka(options)) return false;
  return absl::IsUnavailable(error) ||
         (absl::IsNotFound(error) && ReasonOf(error) == "TOPIC_MISSING");
}

}  // namespace crm
