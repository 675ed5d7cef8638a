#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/config/option_table.h"

namespace crm {

// What happens to calls for tenants that nothing is known of.
inline constexpr char kRefuseTenants[] = "refuse";
inline constexpr char kAcceptTenants[] = "accept";

// What an operator can set on a server process. Help and limits stand in server_options.cc.
struct ServerOptions {
  std::string listen;
  std::string admin_listen;
  std::string data_dir;
  std::string engine;
  // Bytes, for block cache, memtables and queues together.
  int64_t memory_budget = 0;
  std::string secret_file;
  // Where sends are handed over to the channels' adapters.
  std::string outbox_dir;
  // ISO 3166-1 alpha-2: where national phone numbers are read.
  std::string default_region;
  // BCP 47; empty = none.
  std::string default_language;
  // kAcceptTenants or kRefuseTenants.
  std::string unknown_tenants;
  // Names this process among its kind.
  std::string instance;

  // --- engine kafka
  std::string kafka_bootstrap;
  bool kafka_tls = false;
  std::string kafka_ca_file;
  std::string kafka_certificate_file;
  std::string kafka_key_file;
  std::string kafka_sasl_mechanism;
  std::string kafka_sasl_username;
  std::string kafka_sasl_password_file;
  bool create_topics = false;
  // 0: three where there are as many brokers, else one.
  int kafka_replication_factor = 0;
  TimeNs kafka_session_timeout = 0;
  // Where other replicas forward commands to; empty: the address bound, by the host's name where
  // that is every address of the machine.
  std::string advertise;

  int rpc_threads = 0;
  int lane_threads = 0;
  int max_in_flight = 0;
  // "debug", "info", "warning" or "error".
  std::string log_level;
};

// What the process is told by the machine; read by main only.
struct Surroundings {
  Environment environment;
  std::string host_name;
};
Surroundings ProcessSurroundings();

struct ServerConfig {
  ServerOptions options;
  // Not empty: print this to stdout and end well.
  std::string output;
  // As the machine told.
  std::string host_name;
  // Effective options and their sources as text, without secrets: what /configz answers.
  std::string effective;
};

// `arguments` without the program's name. INVALID_ARGUMENT as Resolve, plus faults between options,
// all of them. `purpose`: what --help says of the program.
absl::StatusOr<ServerConfig> ParseServerOptions(
    const std::string& program, const std::string& version,
    const std::vector<std::string>& arguments, const Surroundings& surroundings,
    const std::string& purpose = "CRM server: every service over gRPC, on one event log.");

// host:port that other processes reach this one by, `port` being the one bound.
std::string AdvertisedAddress(const ServerConfig& config, int port);

}  // namespace crm
