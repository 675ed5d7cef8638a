#include "common/service/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "common/base/status.h"
#include "common/base/version.h"
#include "common/log/log_engine.h"
#include "common/rpc/forwarder.h"
#include "common/service/log_ends.h"
#include "common/service/log_opening.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

constexpr TimeNs kTick = 20 * kMillisecond;
constexpr TimeNs kHealEvery = 100 * kMillisecond;
constexpr TimeNs kCheckEvery = 5 * kSecond;
constexpr TimeNs kEndsPatience = 2 * kSecond;
constexpr TimeNs kFirstPause = 100 * kMillisecond;
constexpr TimeNs kLongestPause = 2 * kSecond;
constexpr TimeNs kOpenDeadline = 60 * kSecond;
constexpr TimeNs kStopGrace = 20 * kSecond;
constexpr int kQueryThreads = 1;
constexpr size_t kMaxQueries = 1024;

absl::Status DirectoryError(const fs::path& path, const std::error_code& error) {
  return Error(absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY",
               "cannot use the data directory " + path.string() + ": " + error.message());
}

std::string FaultText(const ServiceHost& host, const absl::Status& fault) {
  return "stopped serving a partition of " + host.definition().topic + ": " +
         std::string(fault.message());
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

ProcessTelemetry::Probes Process::Probes() {
  ProcessTelemetry::Probes probes;
  probes.live = [this] { return clock_.Monotonic() - heartbeat_ < 10 * kSecond; };
  probes.started = [this] { return started_ ? absl::OkStatus() : Readiness(); };
  probes.ready = [this] { return Readiness(); };
  return probes;
}

absl::Status Process::Readiness() {
  if (stopping_) return absl::UnavailableError("the process stops");
  {
    MutexLock lock(mutex_);
    if (!obstacle_.empty()) return absl::UnavailableError(obstacle_);
  }
  if (!started_) return absl::UnavailableError("still opening or building projections");
  if (!ready_) return absl::UnavailableError("projections have not reached the log's end yet");
  for (const auto& host : hosts_) {
    const absl::Status fault = host->Fault();
    if (!fault.ok()) return absl::UnavailableError(FaultText(*host, fault));
    if (!host->serving()) return absl::UnavailableError("a projection is being rebuilt");
  }
  return absl::OkStatus();
}

absl::Status Process::Start() {
  std::error_code error;
  fs::create_directories(options_.data_dir, error);
  if (error) return DirectoryError(options_.data_dir, error);
  heartbeat_ = clock_.Monotonic();
  std::vector<const google::protobuf::ServiceDescriptor*> counted;
  for (const ServiceDefinition& definition : definitions_) counted.push_back(definition.rpc);
  {
    MutexLock lock(mutex_);
    telemetry_ = std::make_unique<ProcessTelemetry>(config_, clock_, Probes(), counted);
    if (stopping_) telemetry_->StopWaiting();
  }
  CRM_RETURN_IF_ERROR(telemetry_->Start());
  ticker_ = std::thread([this] { Tick(); });
  CRM_RETURN_IF_ERROR(OpenLog());
  CRM_RETURN_IF_ERROR(StartServers());
  hosts_made_ = true;
  healer_ = std::thread([this] { Heal(); });
  CRM_RETURN_IF_ERROR(StartHosts());
  started_ = true;
  watcher_ = std::thread([this] { Watch(); });
  CRM_RETURN_IF_ERROR(WriteEndpoints());
  telemetry_->Note("serving on " + ApiAddress());
  return absl::OkStatus();
}

absl::Status Process::OpenLog() {
  CRM_ASSIGN_OR_RETURN(Secret secret, ReadSecret(options_, random_));
  secret_ = std::make_unique<Secret>(std::move(secret));
  CRM_ASSIGN_OR_RETURN(engine_, WaitForLog());
  if (engine_->shared()) forwarder_ = std::make_unique<Forwarder>(clock_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LogEngine>> Process::WaitForLog() {
  const LogOpening opening{options_,
                           definitions_,
                           secret_->CheckValue(),
                           random_,
                           [this](const std::string& text) { telemetry_->Note(text); },
                           [this](const std::string& text) { telemetry_->NoteAlarm(text); }};
  waiting_for_log_ = true;
  for (TimeNs pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    absl::StatusOr<std::unique_ptr<LogEngine>> engine = crm::OpenLog(opening);
    const bool give_up = !engine.ok() && !IsWorthWaiting(options_, engine.status());
    if (engine.ok() || give_up) {
      waiting_for_log_ = false;
      MutexLock lock(mutex_);
      obstacle_.clear();
      return engine;
    }
    WaitingFor(engine.status());
    telemetry_->WaitForStop(pause);
    if (stopping_) return absl::CancelledError("the process was stopped while it waited");
  }
}

// Said once for each cause.
void Process::WaitingFor(const absl::Status& error) {
  const std::string text =
      "waiting for the log at " + options_.kafka_bootstrap + ": " + std::string(error.message());
  {
    MutexLock lock(mutex_);
    if (obstacle_ == text) return;
    obstacle_ = text;
  }
  telemetry_->Note(text);
}

absl::Status Process::StartServers() {
  budget_ = std::make_unique<StorageBudget>(options_.memory_budget / 2);
  queries_ = std::make_unique<WorkQueue>(kQueryThreads, kMaxQueries);
  RpcServerOptions rpc;
  rpc.listen = options_.listen;
  rpc.completion_threads = options_.rpc_threads;
  rpc.max_in_flight = options_.max_in_flight;
  rpc.merge_positions = [this](const std::vector<std::string>& positions) {
    return MergePositions(*secret_, random_, positions);
  };
  server_ = std::make_unique<RpcServer>(rpc, clock_, telemetry_->rpc_observer());
  std::vector<ServiceHost*> hosts;
  for (ServiceDefinition& definition : definitions_) {
    HostOptions host = OptionsForHost();
    host.hints = engine_->Hints(definition.topic, "crm-" + definition.name);
    hosts_.push_back(std::make_unique<ServiceHost>(
        std::move(definition),
        [this](const std::string& topic) -> Log& { return engine_->Topic(topic); },
        HostEnvironment{clock_, random_, *secret_, sealer_, *budget_, *queries_, forwarder_.get()},
        std::move(host)));
    hosts_.back()->Register(*server_);
    hosts.push_back(hosts_.back().get());
  }
  AdminService::Options admin;
  admin.version = kVersion;
  admin.engine = options_.engine;
  admin.verify_files = [this] { return engine_->Verify(); };
  admin_ = std::make_unique<AdminService>(std::move(admin), hosts, clock_, *queries_);
  admin_->Register(*server_);
  operations_ = std::make_unique<OperationsService>(hosts);
  operations_->Register(*server_);
  telemetry_->Watch(std::move(hosts));
  CRM_RETURN_IF_ERROR(server_->Start());
  for (const auto& host : hosts_) host->Advertise(AdvertisedAddress(config_, server_->port()));
  return absl::OkStatus();
}

HostOptions Process::OptionsForHost() {
  HostOptions host;
  host.data_directory = options_.data_dir;
  host.accept_unknown_tenants = options_.unknown_tenants == kAcceptTenants;
  host.owner = options_.instance;
  host.shared_log = engine_->shared();
  host.replaced = [this] {
    if (!was_replaced_.exchange(true) && replaced_) replaced_();
  };
  host.lane_threads = options_.lane_threads;
  host.rebuild_buffer_bytes = options_.memory_budget / 4;
  host.append_took = [this](TimeNs took) { telemetry_->AppendTook(took); };
  host.note = [this](const std::string& text) { telemetry_->Note(text); };
  host.progress = [this](const std::string& projection, const RebuildProgress& progress) {
    telemetry_->Rebuilding(projection, progress);
    return !stopping_;
  };
  return host;
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
  std::map<Log*, LogEnds> ends;
  for (const auto& host : hosts_) {
    for (ServedProjection* projection : host->projections()) {
      const auto [known, is_new] = ends.try_emplace(&projection->log());
      if (is_new) known->second = ReadEnds(projection->log(), kEndsPatience);
      for (Partition p = 0; p < kPartitions; ++p) {
        const std::optional<Offset>& end = known->second[static_cast<size_t>(p)];
        if (!end.has_value() || projection->tracker().Get(p) < *end) return false;
      }
    }
  }
  return true;
}

void Process::Tick() {
  while (!stopping_) {
    heartbeat_ = clock_.Monotonic();
    if (hosts_made_) {
      for (const auto& host : hosts_) host->Tick();
    }
    telemetry_->WaitForStop(kTick);
  }
}

// What asks the log something, and so may take a while.
void Process::Watch() {
  TimeNs next_check = clock_.Monotonic() + kCheckEvery;
  while (!stopping_) {
    // Latched: load alone makes no process unready, nor does a log that cannot be reached.
    if (!ready_ && CaughtUp()) {
      ready_ = true;
      server_->SetServing(true);
    }
    if (clock_.Monotonic() >= next_check) {
      CheckLog();
      next_check = clock_.Monotonic() + kCheckEvery;
    }
    telemetry_->WaitForStop(ready_ ? kSecond : kTick);
  }
}

// Reads go on while the log cannot be reached (or refuses us: credentials are exchanged now and
// then), and while only a setting threatens what is to come; one that is another, or incomplete,
// would make them wrong.
void Process::CheckLog() {
  for (const auto& host : hosts_) {
    const absl::Status fault = host->Fault();
    if (fault.ok() || !told_.insert(std::string(fault.message())).second) continue;
    telemetry_->NoteFault(FaultText(*host, fault));
  }
  const absl::Status status = engine_->Check();
  const std::string text(status.message());
  const bool away = absl::IsUnavailable(status) || absl::IsUnauthenticated(status) ||
                    absl::IsPermissionDenied(status);
  if (away != !away_.empty()) {
    telemetry_->Note(away ? "the log cannot be reached: " + text : "the log can be reached again");
    away_ = text;
  }
  if (away) return;
  away_.clear();
  const bool harmless = status.ok() || ReasonOf(status) == "TOPIC_SETTING";
  if (text != told_of_log_ && !status.ok()) {
    telemetry_->NoteFault("the log is not as it must be: " + text);
  }
  if (status.ok() && !told_of_log_.empty()) telemetry_->Note("the log is as it must be again");
  told_of_log_ = text;
  // What is lost is lost in partitions, which have stopped by themselves; the others go on.
  const bool withdraw = !harmless && !absl::IsDataLoss(status);
  {
    MutexLock lock(mutex_);
    obstacle_ = harmless ? "" : text;
  }
  for (const auto& host : hosts_) withdraw ? host->Withdraw(status) : host->Restore();
  server_->SetServing(ready_ && !withdraw);
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

void Process::Interrupt() {
  stopping_ = true;
  MutexLock lock(mutex_);
  if (telemetry_ != nullptr) telemetry_->StopWaiting();
}

void Process::Stop() {
  if (stopped_.exchange(true)) return;
  Interrupt();
  if (server_ != nullptr) {
    server_->SetServing(false);
    // Before calls are refused: those who go on calling here would wait for the owner to go.
    for (const auto& host : hosts_) host->HandOver();
    server_->Shutdown(kStopGrace);
  }
  if (ticker_.joinable()) ticker_.join();
  if (healer_.joinable()) healer_.join();
  if (watcher_.joinable()) watcher_.join();
  for (const auto& host : hosts_) host->Stop();
  // What was passed on and is not answered yet; before those who wait for it go.
  forwarder_.reset();
  if (queries_ != nullptr) queries_->Stop();
  server_.reset();
  admin_.reset();
  if (telemetry_ != nullptr) telemetry_->Watch({});
  hosts_.clear();
  engine_.reset();
  if (telemetry_ != nullptr) telemetry_->Stop();
}

}  // namespace crm
