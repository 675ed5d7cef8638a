// Measures crm-contact over Kafka against ceilings of the same run and of the same broker; real and
// ceiling take turns, as in crm_bench. Prints a table and writes JSON.
//
//   crm_kafka_bench --server build/release/services/contact/crm-contact --bootstrap HOST:PORT
//       --json build/bench_kafka.json [--quick] [--only create|rebuild|token|failover]
//       [--broker-data DIR]
//
// The broker must be empty: what was acknowledged is counted at the end. docs/performance.md says
// what each row means. Exit status 0: all was measured and the log holds every acknowledged create,
// whether the aims are met or not.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/bench/bench_loads.h"
#include "tests/bench/bench_rows.h"
#include "tests/bench/child_process.h"
#include "tests/bench/kafka_replicas.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using Json = google::protobuf::Struct;

constexpr char kTopic[] = "crm.contact.events";
// Where the ceiling of one produce writes.
constexpr char kProduceTopic[] = "crm.produce.events";
constexpr double kSessionSeconds = 6;
// More creates than any machine of this size takes a second.
constexpr double kCreatesPerSecond = 30'000;

struct Options {
  std::string server;
  std::string bootstrap;
  std::string json;
  std::string work_dir;
  std::string only;
  std::string broker_data;
  bool quick = false;
};

struct Extent {
  int rounds = 5;
  double seconds = 4;
  double warmup = 0.5;
  int64_t stored = 20'000;
  int64_t produced = 3'000;
  int64_t rebuilt = 1'000'000;
  int rebuild_rounds = 3;
  int reads = 2'000;
  int failovers = 5;
};

Extent ExtentOf(bool quick) {
  if (!quick) return {};
  return {.rounds = 3,
          .seconds = 1.5,
          .warmup = 0.3,
          .stored = 5'000,
          .produced = 1'000,
          .rebuilt = 200'000,
          .rebuild_rounds = 3,
          .reads = 500,
          .failovers = 2};
}

class KafkaBench {
 public:
  KafkaBench(Options options, fs::path programs, fs::path work)
      : options_(std::move(options)),
        extent_(ExtentOf(options_.quick)),
        programs_(std::move(programs)),
        work_(std::move(work)),
        loads_({programs_, work_, extent_.seconds, extent_.warmup}) {
    std::ofstream(work_ / "secret") << std::string(64, '5');
    fs::permissions(work_ / "secret", fs::perms::owner_read | fs::perms::owner_write);
  }

  absl::Status Run() {
    if (Wanted("create")) CRM_RETURN_IF_ERROR(MeasureCreates());
    if (Wanted("rebuild")) CRM_RETURN_IF_ERROR(MeasureRebuilds());
    const bool tokens = Wanted("token");
    const bool failover = Wanted("failover");
    if (!tokens && !failover) return absl::OkStatus();
    KafkaReplicasOptions replicas;
    replicas.server = Server();
    replicas.programs = programs_;
    replicas.work = work_;
    replicas.session_seconds = kSessionSeconds;
    replicas.reads = extent_.reads;
    replicas.failovers = extent_.failovers;
    return MeasureReplicas(replicas, tokens, failover, &rows_);
  }
  const std::vector<BenchRow>& rows() const { return rows_; }

 private:
  bool Wanted(const std::string& part) const {
    return options_.only.empty() || options_.only == part;
  }
  std::string Program(const char* name) const { return (programs_ / name).string(); }
  static void Tell(const std::string& what) { std::fprintf(stderr, "bench: %s\n", what.c_str()); }
  static std::string Size(double bytes) { return fmt::format("{:.0f}", bytes); }

  std::vector<std::string> Server() const {
    return {options_.server,
            "--engine",
            "kafka",
            "--kafka-bootstrap",
            options_.bootstrap,
            "--create-topics",
            "--secret-file",
            (work_ / "secret").string(),
            "--kafka-session-timeout",
            fmt::format("{:.0f}s", kSessionSeconds),
            "--admin-listen",
            "127.0.0.1:0"};
  }

  // A mode of rebuild_bench on a topic.
  absl::StatusOr<Json> OnTopic(const char* mode, const std::string& topic,
                               std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {Program("rebuild_bench"),
                                          mode,
                                          (work_ / "topic").string(),
                                          "--kafka-bootstrap",
                                          options_.bootstrap,
                                          "--topic",
                                          topic};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunForJson(arguments);
  }

  // --- creates

  absl::Status StartReal() {
    std::vector<std::string> arguments = Server();
    arguments.insert(arguments.end(), {"--instance", "bench"});
    CRM_ASSIGN_OR_RETURN(real_, ServerProcess::Start(std::move(arguments), work_ / "real"));
    return loads_.AwaitOwner(real_->address());
  }

  absl::StatusOr<Json> CountLog() const {
    CRM_ASSIGN_OR_RETURN(Json counted, OnTopic("count", kTopic));
    const double events = NumberOf(counted, "events");
    if (events == created_ && NumberOf(counted, "contacts") == created_) return counted;
    return absl::InternalError(
        fmt::format("{} creates were answered, but the log holds {} events of {} contacts (was the "
                    "broker empty?)",
                    created_, events, NumberOf(counted, "contacts")));
  }

  absl::Status StartCeiling(const Json& answer, const Json& counted) {
    CRM_ASSIGN_OR_RETURN(
        ceiling_,
        ServerProcess::Start(
            {Program("ceiling_server"), "--value-bytes", Size(NumberOf(counted, "value_bytes")),
             "--response-bytes", Size(NumberOf(answer, "response_bytes")), "--position-bytes",
             Size(NumberOf(answer, "position_bytes")), "--kafka-bootstrap", options_.bootstrap},
            work_ / "ceiling"));
    return absl::OkStatus();
  }

  absl::Status MeasureCreates() {
    CRM_RETURN_IF_ERROR(StartReal());
    Tell(fmt::format("storing {} contacts", extent_.stored));
    const fs::path responses = work_ / "contacts";
    CRM_ASSIGN_OR_RETURN(
        const Json answer,
        loads_.Run(real_->address(), kCreateMethod, loads_.WriteCreates(extent_.stored),
                   {"--in-flight", "64", "--once", "--responses-file", responses.string()}));
    created_ += NumberOf(answer, "ok");
    loads_.WriteGets(responses, work_ / "gets");
    CRM_RETURN_IF_ERROR(loads_.CatchUp(real_->address()));
    CRM_ASSIGN_OR_RETURN(const Json counted, CountLog());
    CRM_RETURN_IF_ERROR(StartCeiling(answer, counted));
    CRM_RETURN_IF_ERROR(MeasureUnloaded());
    CRM_RETURN_IF_ERROR(MeasureCreate(16, std::nullopt));
    CRM_RETURN_IF_ERROR(MeasureCreate(64, 0.5));
    rows_.push_back(AtMost("server memory", real_->PeakMemory() / (1 << 20), "MiB", 512));
    CRM_RETURN_IF_ERROR(real_->Stop());
    CRM_RETURN_IF_ERROR(CountLog().status());
    Tell(fmt::format("the log holds all {:.0f} creates that were answered, each once", created_));
    return ceiling_->Stop();
  }

  absl::StatusOr<Json> RealCreates(const fs::path& requests, int64_t count, int in_flight) {
    CRM_ASSIGN_OR_RETURN(
        Json real, loads_.Creates(real_->address(), kCreateMethod, requests, count, in_flight));
    created_ += NumberOf(real, "ok");
    CRM_RETURN_IF_ERROR(loads_.CatchUp(real_->address()));
    return real;
  }

  absl::Status MeasureUnloaded() {
    Pairs against_parts;
    Pairs against_append;
    for (int i = 0; i < extent_.rounds; ++i) {
      const auto count = static_cast<int64_t>(loads_.load_seconds() * 5'000);
      const fs::path requests = loads_.WriteCreates(count);
      CRM_ASSIGN_OR_RETURN(const Json real, RealCreates(requests, count, 1));
      CRM_ASSIGN_OR_RETURN(
          const Json produce,
          OnTopic("append", kProduceTopic, {"--events", std::to_string(extent_.produced)}));
      CRM_ASSIGN_OR_RETURN(const Json echo,
                           loads_.Timed(ceiling_->address(), kGetMethod, work_ / "gets", 1));
      CRM_ASSIGN_OR_RETURN(const Json bare,
                           loads_.Creates(ceiling_->address(), kCreateMethod, requests, count, 1));
      const double parts = NumberOf(produce, "p50_ms") + NumberOf(echo, "p50_ms");
      against_parts.Add(NumberOf(real, "p50_ms"), parts);
      against_append.Add(NumberOf(real, "p50_ms"), NumberOf(bare, "p50_ms"));
      Tell(
          fmt::format("create, unloaded: {:.3f} ms; one produce {:.3f} ms, one empty call {:.3f} "
                      "ms; bare append behind the server {:.3f} ms",
                      NumberOf(real, "p50_ms"), NumberOf(produce, "p50_ms"),
                      NumberOf(echo, "p50_ms"), NumberOf(bare, "p50_ms")));
    }
    rows_.push_back(
        against_parts.TimeRow("create, unloaded, p50", "ms", "one produce + one empty call", 0.5));
    rows_.push_back(against_append.TimeRow("create, unloaded, p50", "ms",
                                           "bare append, 1 in flight", std::nullopt));
    return absl::OkStatus();
  }

  absl::Status MeasureCreate(int in_flight, std::optional<double> aim) {
    Pairs pairs;
    for (int i = 0; i < extent_.rounds; ++i) {
      const auto count = static_cast<int64_t>(loads_.load_seconds() * kCreatesPerSecond);
      const fs::path requests = loads_.WriteCreates(count);
      CRM_ASSIGN_OR_RETURN(const Json real, RealCreates(requests, count, in_flight));
      CRM_ASSIGN_OR_RETURN(const Json bare, loads_.Creates(ceiling_->address(), kCreateMethod,
                                                           requests, count, in_flight));
      pairs.Add(NumberOf(real, "rate"), NumberOf(bare, "rate"));
      Tell(fmt::format("create, {} in flight: {:.0f}/s, bare append {:.0f}/s", in_flight,
                       NumberOf(real, "rate"), NumberOf(bare, "rate")));
    }
    rows_.push_back(pairs.RateRow(fmt::format("create, {} in flight", in_flight), "calls/s",
                                  fmt::format("bare append, {} in flight", in_flight), aim));
    return absl::OkStatus();
  }

  // --- rebuilds

  static double RateOf(const Json& report) {
    return NumberOf(report, "events") / NumberOf(report, "seconds");
  }

  absl::Status MeasureRebuilds() {
    const std::string topic = fmt::format("crm.rebuild-{}.events", extent_.rebuilt);
    Tell(fmt::format("writing a topic of {} events", extent_.rebuilt));
    const std::vector<std::string> events = {"--events", std::to_string(extent_.rebuilt)};
    CRM_RETURN_IF_ERROR(OnTopic("make", topic, events).status());
    CRM_ASSIGN_OR_RETURN(const Json counted, OnTopic("count", topic));
    if (NumberOf(counted, "events") != static_cast<double>(extent_.rebuilt)) {
      return absl::InternalError("the topic lacks events (was the broker empty?)");
    }
    for (const char* mode : {"core", "view"}) {
      CRM_RETURN_IF_ERROR(MeasureRebuild(mode, topic));
    }
    SizeRow(topic, NumberOf(counted, "value_bytes"));
    return absl::OkStatus();
  }

  absl::Status MeasureRebuild(const char* mode, const std::string& topic) {
    Pairs tailed;
    Pairs raw;
    Pairs two;
    double peak = 0;
    double bytes = 0;
    for (int i = 0; i < extent_.rebuild_rounds; ++i) {
      CRM_ASSIGN_OR_RETURN(const Json one, OnTopic(mode, topic));
      CRM_ASSIGN_OR_RETURN(const Json tail, OnTopic("tail", topic));
      CRM_ASSIGN_OR_RETURN(const Json twice, OnTopic(mode, topic, {"--threads", "2"}));
      CRM_ASSIGN_OR_RETURN(const Json bare, RunForJson({Program("raw_tail"), "--kafka-bootstrap",
                                                        options_.bootstrap, "--topic", topic}));
      for (const Json& report : {one, twice, tail}) {
        if (NumberOf(report, "events") == static_cast<double>(extent_.rebuilt)) continue;
        return absl::InternalError("a rebuild left out events");
      }
      tailed.Add(RateOf(one), RateOf(tail));
      two.Add(RateOf(twice), RateOf(tail));
      raw.Add(RateOf(tail), RateOf(bare));
      peak = std::max(peak, NumberOf(one, "peak_bytes"));
      bytes = NumberOf(one, "rebuilt_bytes");
      Tell(
          fmt::format("rebuild {}: {:.0f}/s, two threads {:.0f}/s; tail {:.0f}/s, librdkafka "
                      "alone {:.0f}/s",
                      mode, RateOf(one), RateOf(twice), RateOf(tail), RateOf(bare)));
    }
    rows_.push_back(
        tailed.RateRow(fmt::format("rebuild {}, one thread", mode), "events/s", "bare tail", 0.25));
    rows_.push_back(
        two.RateRow(fmt::format("rebuild {}, two threads", mode), "events/s", "bare tail", {}));
    rows_.push_back(raw.RateRow("bare tail", "events/s", "librdkafka alone", {}));
    rows_.push_back(AtMost(fmt::format("rebuild {}, memory", mode), peak / (1 << 20), "MiB", 512));
    rows_.push_back({fmt::format("disk, {}", mode),
                     bytes / static_cast<double>(extent_.rebuilt),
                     "bytes/event",
                     "",
                     0,
                     0,
                     {}});
    return absl::OkStatus();
  }

  // What the broker's segments take.
  void SizeRow(const std::string& topic, double value_bytes) {
    if (options_.broker_data.empty()) return;
    double bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(options_.broker_data)) {
      const std::string folder = entry.path().parent_path().filename();
      if (!folder.starts_with(topic + "-") || entry.path().extension() != ".log") continue;
      bytes += static_cast<double>(entry.file_size());
    }
    const double each = bytes / static_cast<double>(extent_.rebuilt);
    rows_.push_back({"disk, log at the broker",
                     each,
                     "bytes/event",
                     "event as logged",
                     value_bytes,
                     value_bytes / each,
                     {}});
  }

  const Options options_;
  const Extent extent_;
  const fs::path programs_;
  const fs::path work_;
  BenchLoads loads_;
  std::unique_ptr<ServerProcess> real_;
  std::unique_ptr<ServerProcess> ceiling_;
  // Creates that were answered OK, in all loads.
  double created_ = 0;
  std::vector<BenchRow> rows_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("crm-contact over Kafka against its ceilings");
  app.add_option("--server", options.server, "crm-contact")->required();
  app.add_option("--bootstrap", options.bootstrap, "HOST:PORT of an empty broker")->required();
  app.add_option("--json", options.json, "Where the results go")->required();
  app.add_option("--work-dir", options.work_dir, "Folder to work in. Default: beside the results");
  app.add_option("--broker-data", options.broker_data,
                 "Where the broker's data lie: adds its bytes");
  app.add_flag("--quick", options.quick, "Shorter and smaller; figures scatter more");
  app.add_option("--only", options.only)
      ->check(CLI::IsMember({"create", "rebuild", "token", "failover"}));
  CLI11_PARSE(app, argc, argv);
  return RunInFolder(
      options.json, options.work_dir, [&](const std::string& work, std::vector<BenchRow>* rows) {
        KafkaBench bench(options, fs::canonical("/proc/self/exe").parent_path(), work);
        absl::Status status = bench.Run();
        *rows = bench.rows();
        return status;
      });
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  return crm::Main(argc, argv);
}
