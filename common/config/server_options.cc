#include "common/config/server_options.h"

#include <unistd.h>

#include <array>

#include "common/base/status.h"

namespace crm {
namespace {

constexpr int64_t kMinMemory = int64_t{64} << 20;

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
      {"engine", "ENGINE", "Where the log lies: embedded", "embedded",
       SetChoice(&out->engine, {"embedded"})},
      {"memory-budget", "SIZE", "For caches, write buffers and queues together", "512MiB",
       SetSize(&out->memory_budget, kMinMemory)},
      {"secret-file", "FILE",
       "Key that ids and tokens derive from; made at first start. Default: DATA-DIR/secret", "",
       SetText(&out->secret_file), true},
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
      {"instance", "NAME", "Name of this process in logs and ownership records", host_name,
       SetMatching(&out->instance, "[A-Za-z0-9]([A-Za-z0-9._-]{0,252})",
                   "a host name: letters, digits, dots, hyphens, underscores")},
      {"log-level", "LEVEL", "debug, info, warning or error", "info",
       SetChoice(&out->log_level, {"debug", "info", "warning", "error"})},
  };
}

// Port 0 takes a free one each time.
absl::Status CheckTogether(const ServerOptions& options) {
  if (options.listen != options.admin_listen || options.listen.ends_with(":0")) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID",
               "--listen and --admin-listen are the same address; choose another port for one");
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
                                                const Surroundings& surroundings) {
  ServerConfig config;
  Program table{
      program, "CRM server: contacts over gRPC, on an event log of its own.", version, {}};
  const std::string instance = surroundings.host_name.empty() ? "crm" : surroundings.host_name;
  for (auto part : {NetworkOptions(&config.options), DataOptions(&config.options),
                    DefaultsOptions(instance, &config.options)}) {
    table.options.insert(table.options.end(), part.begin(), part.end());
  }
  CRM_ASSIGN_OR_RETURN(Resolution resolution, Resolve(table, arguments, surroundings.environment));
  config.output = std::move(resolution.output);
  if (resolution.settings.empty()) return config;
  CRM_RETURN_IF_ERROR(CheckTogether(config.options));
  if (config.options.secret_file.empty()) {
    config.options.secret_file = config.options.data_dir + "/secret";
  }
  if (config.options.outbox_dir.empty()) {
    config.options.outbox_dir = config.options.data_dir + "/outbox";
  }
  config.effective = RenderSettings(table, resolution.settings);
  return config;
}

}  // namespace crm
