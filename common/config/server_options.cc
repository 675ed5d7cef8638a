#include "common/config/server_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>

#include "common/base/status.h"

namespace crm {
namespace {

constexpr int64_t kMinMemory = int64_t{64} << 20;
constexpr char kKafka[] = "kafka";
// Brokers have limits of their own, by default 6 s to 30 min.
constexpr TimeNs kMinSession = kSecond;
constexpr TimeNs kMaxSession = 1800 * kSecond;

std::vector<Option> NetworkOptions(ServerOptions* out) {
  return {
      {"listen", "HOST:PORT", "Address of the API (gRPC)", "127.0.0.1:50051",
       SetAddress(&out->listen)},
      {"admin-listen", "HOST:PORT", "Address of /metrics and the probes (HTTP, plain)",
       "127.0.0.1:8081", SetAddress(&out->admin_listen)},
      {"rpc-threads", "N", "Threads that take calls off the network", "1",
       SetInteger(&out->rpc_threads, 1, 64)},
      {"max-in-flight", "N", "Calls accepted and not answered yet; more are refused", "4096",
       SetInteger(&out->max_in_flight, 1, 1'000'000)},
  };
}

std::vector<Option> DataOptions(ServerOptions* out) {
  return {
      {"data-dir", "DIR", "Folder of the log and the projections", "./data",
       SetText(&out->data_dir)},
      {"engine", "ENGINE",
       "Where the log lies: embedded (in DATA-DIR, for one process) or kafka (shared)", "embedded",
       SetChoice(&out->engine, {"embedded", kKafka})},
      {"memory-budget", "SIZE", "For caches, write buffers and queues together", "512MiB",
       SetSize(&out->memory_budget, kMinMemory)},
      {"secret-file", "FILE",
       "Key that ids and tokens derive from; made at first start, except on Kafka, where every "
       "process needs the same. Default: DATA-DIR/secret",
       "", SetText(&out->secret_file), true},
      {"outbox-dir", "DIR", "Folder of the messages that campaigns send. Default: DATA-DIR/outbox",
       "", SetText(&out->outbox_dir), true},
      {"lane-threads", "N", "Threads that decide commands", "1",
       SetInteger(&out->lane_threads, 1, 16)},
  };
}

std::vector<Option> DefaultsOptions(const std::string& host_name, ServerOptions* out) {
  return {
      {"default-region", "CC", "Country in which national phone numbers are read", "US",
       SetMatching(&out->default_region, "[A-Z]{2}",
                   "an ISO 3166-1 country code of two capital letters, such as US")},
      {"default-language", "TAG", "Language of contacts that name none. Default: none", "",
       SetMatching(&out->default_language, "[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*",
                   "a BCP 47 language tag, such as de-CH"),
       true},
      {"unknown-tenants", "WHAT",
       "Calls for a tenant that nobody created: refuse them, or accept, for trials", kRefuseTenants,
       SetChoice(&out->unknown_tenants, {kRefuseTenants, kAcceptTenants})},
      {"instance", "NAME", "Name of this process in logs and ownership records", host_name,
       SetMatching(&out->instance, "[A-Za-z0-9]([A-Za-z0-9._-]{0,252})",
                   "a host name: letters, digits, dots, hyphens, underscores")},
      {"log-level", "LEVEL", "debug, info, warning or error", "info",
       SetChoice(&out->log_level, {"debug", "info", "warning", "error"})},
  };
}

Option YesOrNo(const char* name, const char* help, bool* target) {
  return {name, "[BOOL]", help, "false", SetYesOrNo(target), false, false, true};
}

std::vector<Option> KafkaOptions(ServerOptions* out) {
  return {
      {"kafka-bootstrap", "HOST:PORT,…", "Brokers to begin with (engine kafka)", "",
       SetAddresses(&out->kafka_bootstrap), true},
      YesOrNo("kafka-tls", "Speak TLS with the brokers", &out->kafka_tls),
      {"kafka-ca-file", "FILE", "PEM of who signs the brokers. Default: the system's", "",
       SetText(&out->kafka_ca_file), true},
      {"kafka-certificate-file", "FILE", "PEM of this client's certificate", "",
       SetText(&out->kafka_certificate_file), true},
      {"kafka-key-file", "FILE", "PEM of its key", "", SetText(&out->kafka_key_file), true},
      {"kafka-sasl-mechanism", "NAME", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", "",
       SetChoice(&out->kafka_sasl_mechanism, {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}), true},
      {"kafka-sasl-username", "NAME", "User at the brokers", "", SetText(&out->kafka_sasl_username),
       true},
      {"kafka-sasl-password-file", "FILE", "Its first line is the password", "",
       SetText(&out->kafka_sasl_password_file), true},
      YesOrNo("create-topics", "Make topics that are missing before the start",
              &out->create_topics),
      {"kafka-replication-factor", "N",
       "Of topics that are made. 0: three where there are as many brokers, else one", "0",
       SetInteger(&out->kafka_replication_factor, 0, 9)},
      {"kafka-session-timeout", "TIME",
       "Without a sign of life for so long a process loses its partitions", "10s",
       SetDuration(&out->kafka_session_timeout, kMinSession, kMaxSession)},
      {"advertise", "HOST:PORT",
       "Where other replicas pass commands on to. Default: the address bound", "",
       SetAddress(&out->advertise), true},
  };
}

// Faults between options; each alone is fine.
class Together {
 public:
  Together(const ServerOptions& options, const Program& table, const std::vector<Setting>& settings)
      : options_(options), table_(table), settings_(settings) {}

  std::vector<std::string> Faults() {
    // Port 0 takes a free one each time.
    Check(options_.listen != options_.admin_listen || options_.listen.ends_with(":0"),
          "--listen and --admin-listen are the same address; choose another port for one");
    options_.engine == kKafka ? CheckKafka() : CheckEmbedded();
    return std::move(faults_);
  }

 private:
  void Check(bool fine, std::string otherwise) {
    if (!fine) faults_.push_back(std::move(otherwise));
  }

  // Settings come in the order of the table. One that says what holds anyway does no harm.
  void CheckEmbedded() {
    for (size_t i = 0; i < settings_.size(); ++i) {
      const std::string& name = settings_[i].name;
      const bool of_kafka =
          name.starts_with("kafka-") || name == "create-topics" || name == "advertise";
      Check(!of_kafka || settings_[i].value == table_.options[i].default_value,
            fmt::format("--{} is for --engine kafka; give that, or leave this out", name));
    }
  }

  void CheckKafka() {
    const ServerOptions& o = options_;
    Check(!o.kafka_bootstrap.empty(), "--engine kafka needs --kafka-bootstrap HOST:PORT");
    Check(o.kafka_tls || (o.kafka_ca_file.empty() && o.kafka_certificate_file.empty() &&
                          o.kafka_key_file.empty()),
          "certificates and keys are for TLS; give --kafka-tls too");
    Check(o.kafka_certificate_file.empty() == o.kafka_key_file.empty(),
          "--kafka-certificate-file and --kafka-key-file belong together; give both or none");
    const bool sasl = !o.kafka_sasl_mechanism.empty();
    Check(sasl || (o.kafka_sasl_username.empty() && o.kafka_sasl_password_file.empty()),
          "user and password are for SASL; give --kafka-sasl-mechanism too");
    Check(!sasl || !o.kafka_sasl_username.empty(),
          "--kafka-sasl-mechanism needs --kafka-sasl-username");
    Check(!sasl || !o.kafka_sasl_password_file.empty(),
          "--kafka-sasl-mechanism needs --kafka-sasl-password-file");
    Check(o.create_topics || o.kafka_replication_factor == 0,
          "--kafka-replication-factor is for topics that are made; give --create-topics too");
    Check(!o.advertise.ends_with(":0"), "--advertise needs the port that others reach");
  }

  const ServerOptions& options_;
  const Program& table_;
  const std::vector<Setting>& settings_;
  std::vector<std::string> faults_;
};

absl::Status CheckTogether(const ServerOptions& options, const Program& table,
                           const std::vector<Setting>& settings) {
  const std::vector<std::string> faults = Together(options, table, settings).Faults();
  if (faults.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID",
               fmt::format("{} fault{} in the configuration of {}:\n  {}\n", faults.size(),
                           faults.size() == 1 ? "" : "s", table.name, fmt::join(faults, "\n  ")));
}

}  // namespace

Surroundings ProcessSurroundings() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return {ProcessEnvironment(), name.data()};
}

absl::StatusOr<ServerConfig> ParseServerOptions(const std::string& program,
                                                const std::string& version,
                                                const std::vector<std::string>& arguments,
                                                const Surroundings& surroundings,
                                                const std::string& purpose) {
  ServerConfig config;
  config.host_name = surroundings.host_name;
  Program table{program, purpose, version, {}};
  const std::string instance = surroundings.host_name.empty() ? "crm" : surroundings.host_name;
  for (auto part : {NetworkOptions(&config.options), DataOptions(&config.options),
                    KafkaOptions(&config.options), DefaultsOptions(instance, &config.options)}) {
    table.options.insert(table.options.end(), part.begin(), part.end());
  }
  CRM_ASSIGN_OR_RETURN(Resolution resolution, Resolve(table, arguments, surroundings.environment));
  config.output = std::move(resolution.output);
  if (resolution.settings.empty()) return config;
  CRM_RETURN_IF_ERROR(CheckTogether(config.options, table, resolution.settings));
  if (config.options.secret_file.empty()) {
    config.options.secret_file = config.options.data_dir + "/secret";
  }
  if (config.options.outbox_dir.empty()) {
    config.options.outbox_dir = config.options.data_dir + "/outbox";
  }
  config.effective = RenderSettings(table, resolution.settings);
  return config;
}

std::string AdvertisedAddress(const ServerConfig& config, int port) {
  if (!config.options.advertise.empty()) return config.options.advertise;
  const std::string& listen = config.options.listen;
  std::string host = listen.substr(0, listen.rfind(':'));
  const bool everywhere = host == "0.0.0.0" || host == "[::]" || host == "*";
  if (everywhere && !config.host_name.empty()) host = config.host_name;
  return host + ":" + std::to_string(port);
}

}  // namespace crm
