#include "common/service/process_telemetry.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/base/version.h"
#include "common/rpc/rpc_metrics.h"
#include "common/service/log_ends.h"
#include "common/telemetry/admin_http.h"
#include "common/telemetry/log.h"
#include "common/telemetry/metrics.h"
#include "common/telemetry/repeated_lines.h"

namespace crm {
namespace {

constexpr TimeNs kProgressEvery = 2 * kSecond;
constexpr TimeNs kEndsPatience = 300 * kMillisecond;

absl::Status Probe(bool ok, const char* otherwise) {
  return ok ? absl::OkStatus() : absl::UnavailableError(otherwise);
}

}  // namespace

struct ProcessTelemetry::State {
  State(const ServerConfig& server_config, const Clock& process_clock,
        const std::vector<const google::protobuf::ServiceDescriptor*>& services)
      : config(server_config),
        clock(process_clock),
        logger(clock, LogLevelOf(config.options.log_level), StderrSink()),
        rpc(metrics, services),
        append_seconds(metrics.HistogramOf(metric::kAppendSeconds, {})) {}

  void Refresh();
  void RefreshHost(ServiceHost& host);
  void RefreshReactions(const std::string& service, const ReactionRunner& reactions);
  // Counts of lanes grow from zero again when the core is made anew; the metric goes on.
  void Raise(const metric::Name& name, const MetricLabels& labels, int64_t total);

  const ServerConfig& config;
  const Clock& clock;
  Logger logger;
  RepeatedLines alarms{clock};
  Metrics metrics;
  RpcMetrics rpc;
  Histogram& append_seconds;
  std::unique_ptr<AdminHttp> http;

  Mutex mutex;
  CondVar wake;
  bool stop = false;
  std::map<std::string, TimeNs> progress_told;
  // Held while hosts are asked, which may take a while: apart from the process's own thread.
  Mutex hosts_mutex;
  std::vector<ServiceHost*> hosts;
  std::map<std::string, int64_t> raised;
};

void ProcessTelemetry::State::Raise(const metric::Name& name, const MetricLabels& labels,
                                    int64_t total) {
  std::string key = name.name;
  for (const auto& [label, value] : labels) key += "\n" + label + "=" + value;
  int64_t& before = raised[key];
  const int64_t more = total >= before ? total - before : total;
  metrics.CounterOf(name, labels).Add(static_cast<double>(more));
  before = total;
}

void ProcessTelemetry::State::Refresh() {
  MutexLock lock(hosts_mutex);
  for (ServiceHost* host : hosts) RefreshHost(*host);
}

void ProcessTelemetry::State::RefreshHost(ServiceHost& host) {
  const std::string& service = host.definition().name;
  const LaneRunner::Counts counts = host.lane_counts();
  Raise(metric::kEventsAppended, {{"service", service}}, counts.lanes.events);
  Raise(metric::kCommandConflicts, {{"service", service}}, counts.lanes.conflicts);
  Raise(metric::kIdempotentReplays, {{"service", service}}, counts.lanes.repeats);
  Raise(metric::kFencedWrites, {{"topic", host.definition().topic}}, counts.void_records);
  std::map<Log*, LogEnds> ends;
  for (ServedProjection* projection : host.projections()) {
    const std::string name(projection->projection().name());
    const MetricLabels labels = {{"service", service}, {"projection", name}};
    metrics.GaugeOf(metric::kProjectionRebuilding, labels).Set(projection->rebuilding() ? 1 : 0);
    const auto [known, is_new] = ends.try_emplace(&projection->log());
    if (is_new) known->second = ReadEnds(projection->log(), kEndsPatience);
    for (Partition p = 0; p < kPartitions; ++p) {
      MetricLabels partition = labels;
      partition["partition"] = std::to_string(p);
      const Offset read_to = projection->tracker().Get(p);
      metrics.GaugeOf(metric::kProjectionPosition, partition).Set(static_cast<double>(read_to));
      const std::optional<Offset>& end = known->second[static_cast<size_t>(p)];
      // While the log's end cannot be told, the lag stays as it was seen last.
      if (!end.has_value()) continue;
      metrics.GaugeOf(metric::kProjectionLag, partition)
          .Set(static_cast<double>(std::max<Offset>(0, *end - read_to)));
    }
  }
  if (host.reactions() != nullptr) RefreshReactions(service, *host.reactions());
  metrics.GaugeOf(metric::kQuarantined, {{"service", service}})
      .Set(static_cast<double>(host.dead_letters().quarantined));
}

void ProcessTelemetry::State::RefreshReactions(const std::string& service,
                                               const ReactionRunner& reactions) {
  for (const ReactionRunner::Summary& summary : reactions.Summaries()) {
    const MetricLabels labels = {{"service", service}, {"reaction", summary.reaction}};
    Raise(metric::kReactionEvents, labels, summary.counts.events);
    Raise(metric::kReactionCommands, labels, summary.counts.commands);
    Raise(metric::kReactionRefused, labels, summary.counts.refused);
    Raise(metric::kReactionRetries, labels, summary.counts.retries);
    metrics.GaugeOf(metric::kReactionLag, labels).Set(static_cast<double>(summary.lag));
  }
}

ProcessTelemetry::ProcessTelemetry(
    const ServerConfig& config, const Clock& clock, Probes probes,
    const std::vector<const google::protobuf::ServiceDescriptor*>& services)
    : state_(std::make_unique<State>(config, clock, services)) {
  State* state = state_.get();
  RouteProtobufLog(state->logger);
  state->metrics.GaugeOf(metric::kBuildInfo, {{"version", kVersion}}).Set(1);
  state->metrics.BeforeRender([state] { state->Refresh(); });
  AdminPages pages;
  pages.metrics = [state] { return state->metrics.Render(); };
  pages.config = [state] { return state->config.effective; };
  pages.live = [live = probes.live] {
    return Probe(live(), "the process's own thread has not run for 10 seconds");
  };
  pages.started = probes.started;
  pages.ready = probes.ready;
  state->http = std::make_unique<AdminHttp>(config.options.admin_listen, std::move(pages));
}

ProcessTelemetry::~ProcessTelemetry() = default;

absl::Status ProcessTelemetry::Start() {
  return state_->http->Start();
}

void ProcessTelemetry::Stop() {
  state_->http.reset();
}

std::string ProcessTelemetry::admin_address() const {
  const std::string& listen = state_->config.options.admin_listen;
  return listen.substr(0, listen.rfind(':')) + ":" + std::to_string(state_->http->port());
}

RpcObserver* ProcessTelemetry::rpc_observer() {
  return &state_->rpc;
}

void ProcessTelemetry::AppendTook(TimeNs duration) {
  state_->append_seconds.Observe(duration);
}

void ProcessTelemetry::Note(const std::string& text) {
  state_->logger.Info(text);
}

void ProcessTelemetry::NoteAlarm(const std::string& text) {
  const std::string line = state_->alarms.Take(text);
  if (!line.empty()) state_->logger.Warning(line);
}

void ProcessTelemetry::NoteFault(const std::string& text) {
  state_->logger.Error(text);
}

void ProcessTelemetry::Rebuilding(const std::string& projection, const RebuildProgress& progress) {
  {
    MutexLock lock(state_->mutex);
    TimeNs& told = state_->progress_told[projection];
    const TimeNs now = state_->clock.Monotonic();
    if (now - told < kProgressEvery) return;
    told = now;
  }
  state_->logger.Info("rebuilding", {{"projection", projection},
                                     {"records_read", progress.records_read},
                                     {"records_total", progress.records_total},
                                     {"events_folded", progress.events_folded}});
}

void ProcessTelemetry::Watch(std::vector<ServiceHost*> hosts) {
  MutexLock lock(state_->hosts_mutex);
  state_->hosts = std::move(hosts);
}

void ProcessTelemetry::WaitForStop(TimeNs longest) {
  MutexLock lock(state_->mutex);
  state_->wake.WaitFor(lock, longest, [this] { return state_->stop; });
}

void ProcessTelemetry::StopWaiting() {
  MutexLock lock(state_->mutex);
  state_->stop = true;
  state_->wake.NotifyAll();
}

}  // namespace crm
