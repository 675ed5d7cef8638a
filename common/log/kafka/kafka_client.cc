#include "common/log/kafka/kafka_client.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <future>
#include <thread>

#include "common/base/status.h"

namespace crm {
namespace {

// Room for every answer that explains a fault.
constexpr size_t kErrorBytes = 512;
// Syslog's: warnings and worse.
constexpr char kLogLevel[] = "4";
// Ends within a fraction of a second, if it ends.
constexpr TimeNs kEndPatience = 5 * kSecond;

// Settings of the library, and the flags by which people give them.
struct Flag {
  const char* setting;
  const char* flag;
};
constexpr Flag kFlags[] = {
    {"bootstrap.servers", "--kafka-bootstrap"},
    {"ssl.ca.location", "--kafka-ca-file"},
    {"ssl.certificate.location", "--kafka-certificate-file"},
    {"ssl.key.location", "--kafka-key-file"},
    {"sasl.mechanisms", "--kafka-sasl-mechanism"},
    {"sasl.username", "--kafka-sasl-username"},
    {"sasl.password", "--kafka-sasl-password-file"},
};

// The sentence, and the flags it is about.
std::string WithFlags(std::string text) {
  std::string flags;
  for (const auto& [setting, flag] : kFlags) {
    if (text.find(setting) != std::string::npos)
      flags += (flags.empty() ? "" : ", ") + std::string(flag);
  }
  return flags.empty() ? text : fmt::format("{}. Check {}", text, flags);
}

// The same fault reads the same each time.
std::string WithoutTimes(std::string_view text) {
  return std::string(text.substr(0, text.find(" (after ")));
}

absl::StatusOr<std::string> FirstLineOf(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.empty()) {
    return Error(
        absl::StatusCode::kInvalidArgument, "PASSWORD_FILE",
        fmt::format("the password file {} of --kafka-sasl-password-file cannot be read or begins "
                    "with an empty line: its first line is the password",
                    file));
  }
  if (line.back() == '\r') line.pop_back();
  return line;
}

absl::StatusOr<KafkaSettings> SettingsOf(const KafkaConnection& connection) {
  KafkaSettings settings = {
      {"bootstrap.servers", connection.bootstrap},
      {"client.id", connection.client_id},
      {"log_level", kLogLevel},
      {"log.connection.close", "false"},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},
      {"topic.metadata.refresh.interval.ms", "30000"},
      {"topic.metadata.refresh.fast.interval.ms", "100"},
  };
  const bool sasl = !connection.sasl_mechanism.empty();
  settings.emplace_back("security.protocol", connection.tls
                                                 ? (sasl ? "sasl_ssl" : "ssl")
                                                 : (sasl ? "sasl_plaintext" : "plaintext"));
  if (connection.tls && !connection.ca_file.empty()) {
    settings.emplace_back("ssl.ca.location", connection.ca_file);
  }
  if (!connection.certificate_file.empty()) {
    settings.emplace_back("ssl.certificate.location", connection.certificate_file);
    settings.emplace_back("ssl.key.location", connection.key_file);
  }
  if (sasl) {
    CRM_ASSIGN_OR_RETURN(std::string password, FirstLineOf(connection.sasl_password_file));
    settings.emplace_back("sasl.mechanisms", connection.sasl_mechanism);
    settings.emplace_back("sasl.username", connection.sasl_username);
    settings.emplace_back("sasl.password", std::move(password));
  }
  return settings;
}

// librdkafka's text may quote the value, so that of a secret is not passed on.
absl::Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char why[kErrorBytes];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kInvalidArgument, "KAFKA_SETTING",
               WithFlags(fmt::format("the Kafka client refuses {}: {}", name,
                                     name == "sasl.password" ? "it is no password" : why)));
}

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaClient>> KafkaClient::Make(rd_kafka_type_t type,
                                                               const KafkaConnection& connection,
                                                               const KafkaSettings& settings,
                                                               const KafkaNote& note) {
  std::unique_ptr<KafkaClient> client(
      new KafkaClient({note, connection.alarm ? connection.alarm : note}));
  std::unique_ptr<rd_kafka_conf_t, ConfDeleter> conf(rd_kafka_conf_new());
  CRM_ASSIGN_OR_RETURN(const KafkaSettings common, SettingsOf(connection));
  for (const auto& [name, value] : common) CRM_RETURN_IF_ERROR(Set(conf.get(), name, value));
  for (const auto& [name, value] : settings) CRM_RETURN_IF_ERROR(Set(conf.get(), name, value));
  rd_kafka_conf_set_opaque(conf.get(), const_cast<Told*>(client->told_.get()));
  rd_kafka_conf_set_log_cb(conf.get(), TellLine);
  int events = RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_REBALANCE;
  if (type == RD_KAFKA_PRODUCER) events = RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_DR;
  rd_kafka_conf_set_events(conf.get(), events);
  char why[kErrorBytes];
  client->handle_ = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (client->handle_ == nullptr) {
    return Error(absl::StatusCode::kInvalidArgument, "KAFKA_SETTING",
                 WithFlags(fmt::format("the Kafka client cannot be made: {}", why)));
  }
  conf.release();
  return client;
}

void KafkaClient::TellLine(const rd_kafka_t* handle, int, const char* facility, const char* text) {
  const auto* told = static_cast<const Told*>(rd_kafka_opaque(handle));
  if (told != nullptr && told->alarm) told->alarm(fmt::format("kafka: {}: {}", facility, text));
}

KafkaClient::~KafkaClient() {
  if (handle_ == nullptr) return;
  auto ended = std::make_shared<std::promise<void>>();
  std::thread([handle = handle_, told = told_, ended] {
    // Static members of a group keep their place; nothing here waits for a coordinator.
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    ended->set_value();
  }).detach();
  if (ended->get_future().wait_for(std::chrono::nanoseconds(kEndPatience)) ==
      std::future_status::ready) {
    return;
  }
  if (told_->note) {
    told_->note("kafka: a client did not end and is left behind (were topics deleted?)");
  }
}

absl::Status KafkaClient::Trouble() {
  KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_get_main(handle_));
  absl::Status trouble;
  while (true) {
    KafkaPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 0));
    if (event == nullptr) return trouble;
    if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_ERROR) continue;
    const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
    if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
        error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__SSL) {
      // Refused credentials tell more than that no broker is left.
      if (!trouble.ok() && error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) continue;
      trouble =
          KafkaError(error, "connect: " + WithoutTimes(rd_kafka_event_error_string(event.get())));
    }
  }
}

absl::Status KafkaError(rd_kafka_resp_err_t error, std::string_view doing) {
  const std::string text = fmt::format("could not {}: {} ({})", doing, rd_kafka_err2str(error),
                                       rd_kafka_err2name(error));
  switch (error) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      return Error(absl::StatusCode::kUnauthenticated, "BROKERS_REFUSED",
                   text +
                       ". Check --kafka-sasl-username, --kafka-sasl-password-file and "
                       "--kafka-sasl-mechanism");
    case RD_KAFKA_RESP_ERR__SSL:
      return Error(absl::StatusCode::kUnavailable, "BROKERS_NOT_TRUSTED",
                   text +
                       ". Check that --kafka-ca-file holds who signed the brokers' certificates "
                       "and that --kafka-bootstrap names their TLS listener");
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Error(absl::StatusCode::kPermissionDenied, "BROKERS_REFUSED",
                   text + ". Grant this client's user the right on the brokers");
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return Error(absl::StatusCode::kNotFound, "TOPIC_MISSING",
                   text + ". Make it with `crmctl topics create`, or start with --create-topics");
    default:
      return Error(absl::StatusCode::kUnavailable, "BROKERS_UNREACHABLE",
                   text + ". Check that the brokers run and --kafka-bootstrap names them");
  }
}

}  // namespace crm
