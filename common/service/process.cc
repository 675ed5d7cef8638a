#include "common/service/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "common/base/status.h"
#include "common/base/version.h"
#include "common/log/embedded/embedded_log.h"
#include "common/service/process_telemetry.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

constexpr TimeNs kTick = 20 * kMillisecond;
constexpr TimeNs kHealEvery = 100 * kMillisecond;
constexpr TimeNs kOpenDeadline = 60 * kSecond;
constexpr TimeNs kStopGrace = 20 * kSecond;
constexpr int kQueryThreads = 1;
constexpr size_t kMaxQueries = 1024;

absl::Status DirectoryError(const fs::path& path, const std::error_code& error) {
  return Error(absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY",
               "cannot use the data directory " + path.string() + ": " + error.message());
}

}  // namespace

Process::Process(ServerConfig config, std::vector<ServiceDefinition> services, const Clock& clock,
                 Random& random)
    : config_(std::move(config)),
      definitions_(std::move(services)),
      clock_(clock),
      random_(random) {}

Process::~Process() {
  Stop();
}

absl::Status Process::Start() {
  std::error_code error;
  fs::create_directories(options_.data_dir, error);
  if (error) return DirectoryError(options_.data_dir, error);
  heartbeat_ = clock_.Monotonic();
  ProcessTelemetry::Probes probes;
  probes.live = [this] { return clock_.Monotonic() - heartbeat_ < 10 * kSecond; };
  probes.started = [this] { return started_.load(); };
  probes.ready = [this] {
    return ready_.load() && !stopping_ &&
           std::all_of(hosts_.begin(), hosts_.end(),
                       [](const auto& host) { return host->serving(); });
  };
  std::vector<const google::protobuf::ServiceDescriptor*> counted;
  for (const ServiceDefinition& definition : definitions_) counted.push_back(definition.rpc);
  telemetry_ = std::make_unique<ProcessTelemetry>(config_, clock_, std::move(probes), counted);
  CRM_RETURN_IF_ERROR(telemetry_->Start());
  CRM_RETURN_IF_ERROR(OpenLog());
  CRM_RETURN_IF_ERROR(StartServers());
  ticker_ = std::thread([this] { Tick(); });
  healer_ = std::thread([this] { Heal(); });
  CRM_RETURN_IF_ERROR(StartHosts());
  started_ = true;
  CRM_RETURN_IF_ERROR(WriteEndpoints());
  telemetry_->Note("serving on " + ApiAddress());
  return absl::OkStatus();
}

absl::Status Process::OpenLog() {
  const fs::path log = fs::path(options_.data_dir) / "log";
  const bool fresh = !fs::exists(log);
  // A secret is made only together with its log: beside an older log a new one would be wrong.
  CRM_ASSIGN_OR_RETURN(Secret secret,
                       Secret::FromFile(options_.secret_file, fresh ? &random_ : nullptr));
  secret_ = std::make_unique<Secret>(std::move(secret));
  EmbeddedLogOptions options;
  options.directory = log.string();
  // A view may fold the topic of a service that runs elsewhere, or a reaction follow it.
  std::set<std::string> topics;
  for (const ServiceDefinition& definition : definitions_) {
    topics.insert(definition.topic);
    for (const ViewDefinition& view : definition.views) {
      if (!view.topic.empty()) topics.insert(view.topic);
    }
    for (const auto& reaction : definition.reactions) {
      topics.insert(std::string(reaction->topic()));
    }
  }
  options.topics.assign(topics.begin(), topics.end());
  options.secret_check = secret_->CheckValue();
  options.random = &random_;
  options.memory_bytes = static_cast<size_t>(options_.memory_budget / 4);
  CRM_ASSIGN_OR_RETURN(engine_, EmbeddedLogEngine::Open(std::move(options)));
  return absl::OkStatus();
}

absl::Status Process::StartServers() {
  budget_ = std::make_unique<StorageBudget>(options_.memory_budget / 2);
  queries_ = std::make_unique<WorkQueue>(kQueryThreads, kMaxQueries);
  RpcServerOptions rpc;
  rpc.listen = options_.listen;
  rpc.completion_threads = options_.rpc_threads;
  rpc.max_in_flight = options_.max_in_flight;
  rpc.merge_positions = [this](const std::string& one, const std::string& other) {
    return MergePositions(*secret_, random_, one, other);
  };
  server_ = std::make_unique<RpcServer>(rpc, clock_, telemetry_->rpc_observer());
  std::vector<ServiceHost*> hosts;
  for (ServiceDefinition& definition : definitions_) {
    HostOptions host;
    host.data_directory = options_.data_dir;
    host.owner = options_.instance;
    host.endpoint = options_.listen;
    host.lane_threads = options_.lane_threads;
    host.rebuild_buffer_bytes = options_.memory_budget / 4;
    host.append_took = [this](TimeNs took) { telemetry_->AppendTook(took); };
    host.note = [this](const std::string& text) { telemetry_->Note(text); };
    host.progress = [this](const std::string& projection, const RebuildProgress& progress) {
      telemetry_->Rebuilding(projection, progress);
      return !stopping_;
    };
    hosts_.push_back(std::make_unique<ServiceHost>(
        std::move(definition),
        [this](const std::string& topic) -> Log& { return engine_->Topic(topic); },
        HostEnvironment{clock_, random_, *secret_, sealer_, *budget_, *queries_}, std::move(host)));
    hosts_.back()->Register(*server_);
    hosts.push_back(hosts_.back().get());
  }
  AdminService::Options admin;
  admin.version = kVersion;
  admin.engine = options_.engine;
  admin.verify_files = [this] { return engine_->Verify(); };
  admin_ = std::make_unique<AdminService>(std::move(admin), hosts, clock_, *queries_);
  admin_->Register(*server_);
  telemetry_->Watch(std::move(hosts));
  return server_->Start();
}

absl::Status Process::StartHosts() {
  for (const auto& host : hosts_) CRM_RETURN_IF_ERROR(host->Start());
  for (const auto& host : hosts_) {
    if (host->WaitOpen(clock_.Monotonic() + kOpenDeadline)) continue;
    return Error(absl::StatusCode::kUnavailable, "PARTITIONS_NOT_OPEN",
                 "not every partition of " + host->definition().topic +
                     " takes commands; see the log of the process");
  }
  return absl::OkStatus();
}

// First catch-up: every projection has read to the log's end.
bool Process::CaughtUp() {
  for (const auto& host : hosts_) {
    for (ServedProjection* projection : host->projections()) {
      for (Partition p = 0; p < kPartitions; ++p) {
        const absl::StatusOr<Offset> end = projection->log().EndOffset(p);
        if (!end.ok() || projection->tracker().Get(p) < *end) return false;
      }
    }
  }
  return true;
}

void Process::Tick() {
  while (!stopping_) {
    heartbeat_ = clock_.Monotonic();
    for (const auto& host : hosts_) host->Tick();
    // Latched: load alone makes no process unready.
    if (started_ && !ready_ && CaughtUp()) {
      ready_ = true;
      server_->SetServing(true);
    }
    telemetry_->WaitForStop(kTick);
  }
}

void Process::Heal() {
  while (!stopping_) {
    if (started_) {
      for (const auto& host : hosts_) host->Heal();
    }
    telemetry_->WaitForStop(kHealEvery);
  }
}

absl::Status Process::WriteEndpoints() const {
  const std::string path = (fs::path(options_.data_dir) / "endpoints").string();
  const std::string text = "api=" + ApiAddress() + "\nadmin=" + telemetry_->admin_address() + "\n";
  const std::string written = path + ".new";
  const int fd = open(written.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool ok =
      fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) close(fd);
  if (ok && rename(written.c_str(), path.c_str()) == 0) return absl::OkStatus();
  return DirectoryError(path, std::error_code(errno, std::generic_category()));
}

std::string Process::ApiAddress() const {
  return options_.listen.substr(0, options_.listen.rfind(':')) + ":" + std::to_string(api_port());
}

int Process::api_port() const {
  return server_->port();
}

void Process::Stop() {
  if (stopping_.exchange(true)) return;
  if (telemetry_ != nullptr) telemetry_->StopWaiting();
  if (server_ != nullptr) {
    server_->SetServing(false);
    server_->Shutdown(kStopGrace);
  }
  if (ticker_.joinable()) ticker_.join();
  if (healer_.joinable()) healer_.join();
  for (const auto& host : hosts_) host->Stop();
  if (queries_ != nullptr) queries_->Stop();
  server_.reset();
  admin_.reset();
  if (telemetry_ != nullptr) telemetry_->Watch({});
  hosts_.clear();
  engine_.reset();
  if (telemetry_ != nullptr) telemetry_->Stop();
}

}  // namespace crm
