// Measures the shipped server against ceilings of the same run: real and ceiling take turns, round
// after round, and the median of the rounds' ratios is what counts, so that a machine that others
// use too tells the truth. Prints a table and writes JSON.
//
//   crm_bench --server build/release/services/all/crm-all --json build/bench.json [--quick]
//       [--only get|create|rebuild]
//
// docs/performance.md says what each row means. Exit status 0: all was measured and the log holds
// every acknowledged create, whether the aims are met or not.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/bench/bench_loads.h"
#include "tests/bench/bench_rows.h"
#include "tests/bench/child_process.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using Json = google::protobuf::Struct;

constexpr double kMemoryBudget = 512 << 20;
// More creates than any machine of this size takes a second.
constexpr double kCreatesPerSecond = 40'000;

struct Options {
  std::string server;
  std::string json;
  std::string work_dir;
  std::string only;
  bool quick = false;
};

// How long and how much.
struct Extent {
  int rounds = 5;
  double seconds = 4;
  double warmup = 0.5;
  int64_t stored = 100'000;
  std::vector<int64_t> rebuilt = {100'000, 1'000'000};
};

Extent ExtentOf(bool quick) {
  if (!quick) return {};
  return {.rounds = 3, .seconds = 1.2, .warmup = 0.3, .stored = 20'000, .rebuilt = {100'000}};
}

class Bench {
 public:
  Bench(Options options, fs::path programs, fs::path work)
      : options_(std::move(options)),
        extent_(ExtentOf(options_.quick)),
        programs_(std::move(programs)),
        work_(std::move(work)),
        loads_({programs_, work_, extent_.seconds, extent_.warmup}) {}

  absl::Status Run() {
    if (Wanted("get") || Wanted("create")) CRM_RETURN_IF_ERROR(MeasureServer());
    if (Wanted("rebuild")) CRM_RETURN_IF_ERROR(MeasureRebuild());
    return absl::OkStatus();
  }
  const std::vector<BenchRow>& rows() const { return rows_; }

 private:
  bool Wanted(const std::string& part) const {
    return options_.only.empty() || options_.only == part;
  }
  std::string Program(const char* name) const { return (programs_ / name).string(); }
  void Tell(const std::string& what) const { std::fprintf(stderr, "bench: %s\n", what.c_str()); }

  absl::StatusOr<Json> OnFiles(const char* mode, const fs::path& directory,
                               int64_t events = 0) const {
    return RunForJson({Program("rebuild_bench"), mode, directory.string(), "--events",
                       std::to_string(events), "--memory-budget",
                       fmt::format("{:.0f}", kMemoryBudget)});
  }

  // --- Get and create

  absl::Status StartReal() {
    CRM_ASSIGN_OR_RETURN(
        real_,
        ServerProcess::Start({options_.server, "--admin-listen", "127.0.0.1:0"}, work_ / "real"));
    return absl::OkStatus();
  }

  // Counts the log and compares with what was answered.
  absl::StatusOr<Json> StopAndCount() {
    peak_memory_ = std::max(peak_memory_, real_->PeakMemory());
    CRM_RETURN_IF_ERROR(real_->Stop());
    CRM_ASSIGN_OR_RETURN(Json counted, OnFiles("count", work_ / "real"));
    const double events = NumberOf(counted, "events");
    if (events == created_ && NumberOf(counted, "contacts") == created_) return counted;
    return absl::InternalError(
        fmt::format("{} creates were answered, but the log holds {} events of {} contacts",
                    created_, events, NumberOf(counted, "contacts")));
  }

  absl::Status Fill() {
    Tell(fmt::format("storing {} contacts", extent_.stored));
    const fs::path responses = work_ / "contacts";
    CRM_ASSIGN_OR_RETURN(
        const Json report,
        loads_.Run(real_->address(), kCreateMethod, loads_.WriteCreates(extent_.stored),
                   {"--in-flight", "64", "--once", "--responses-file", responses.string()}));
    created_ += NumberOf(report, "ok");
    answer_ = report;
    loads_.WriteGets(responses, work_ / "gets");
    return absl::OkStatus();
  }

  absl::Status MeasureServer() {
    CRM_RETURN_IF_ERROR(StartReal());
    CRM_RETURN_IF_ERROR(Fill());
    CRM_RETURN_IF_ERROR(loads_.CatchUp(real_->address()));
    CRM_ASSIGN_OR_RETURN(const Json counted, StopAndCount());
    value_bytes_ = NumberOf(counted, "value_bytes");
    CRM_RETURN_IF_ERROR(StartReal());
    rows_.push_back({fmt::format("reopen at {} events", extent_.stored), real_->start_seconds(),
                     "s", "2 s", 2, 2 / real_->start_seconds(), 1});
    CRM_ASSIGN_OR_RETURN(
        ceiling_,
        ServerProcess::Start({Program("ceiling_server"), "--value-bytes", Size(value_bytes_),
                              "--response-bytes", Size(NumberOf(answer_, "response_bytes")),
                              "--position-bytes", Size(NumberOf(answer_, "position_bytes"))},
                             work_ / "ceiling"));
    if (Wanted("get")) CRM_RETURN_IF_ERROR(MeasureGet());
    if (Wanted("create")) {
      CRM_RETURN_IF_ERROR(MeasureUnloaded());
      CRM_RETURN_IF_ERROR(MeasureCreate(16, std::nullopt));
      CRM_RETURN_IF_ERROR(MeasureCreate(64, 0.6));
    }
    CRM_RETURN_IF_ERROR(StopAndCount().status());
    Tell(fmt::format("the log holds all {:.0f} creates that were answered, each once", created_));
    rows_.push_back({"server memory", peak_memory_ / (1 << 20), "MiB", "budget",
                     kMemoryBudget / (1 << 20), kMemoryBudget / peak_memory_, 1});
    return ceiling_->Stop();
  }

  static std::string Size(double bytes) { return fmt::format("{:.0f}", bytes); }

  absl::Status MeasureGet() {
    Pairs pairs;
    for (int i = 0; i < extent_.rounds; ++i) {
      CRM_ASSIGN_OR_RETURN(const Json real,
                           loads_.Timed(real_->address(), kGetMethod, work_ / "gets", 64));
      CRM_ASSIGN_OR_RETURN(const Json echo,
                           loads_.Timed(ceiling_->address(), kGetMethod, work_ / "gets", 64));
      pairs.Add(NumberOf(real, "rate"), NumberOf(echo, "rate"));
      Tell(fmt::format("get: {:.0f}/s, echo {:.0f}/s", NumberOf(real, "rate"),
                       NumberOf(echo, "rate")));
    }
    rows_.push_back(pairs.RateRow("get, 64 in flight", "calls/s", "echo, 64 in flight", 0.8));
    return absl::OkStatus();
  }

  absl::Status MeasureCreate(int in_flight, std::optional<double> aim) {
    Pairs pairs;
    for (int i = 0; i < extent_.rounds; ++i) {
      const auto count = static_cast<int64_t>(loads_.load_seconds() * kCreatesPerSecond);
      const fs::path requests = loads_.WriteCreates(count);
      CRM_ASSIGN_OR_RETURN(const Json real, loads_.Creates(real_->address(), kCreateMethod,
                                                           requests, count, in_flight));
      created_ += NumberOf(real, "ok");
      CRM_RETURN_IF_ERROR(loads_.CatchUp(real_->address()));
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

  absl::Status MeasureUnloaded() {
    Pairs against_parts;
    Pairs against_append;
    for (int i = 0; i < extent_.rounds; ++i) {
      const auto count = static_cast<int64_t>(loads_.load_seconds() * 10'000);
      const fs::path requests = loads_.WriteCreates(count);
      CRM_ASSIGN_OR_RETURN(const Json real,
                           loads_.Creates(real_->address(), kCreateMethod, requests, count, 1));
      created_ += NumberOf(real, "ok");
      CRM_RETURN_IF_ERROR(loads_.CatchUp(real_->address()));
      CRM_ASSIGN_OR_RETURN(const Json bare,
                           loads_.Creates(ceiling_->address(), kCreateMethod, requests, count, 1));
      CRM_ASSIGN_OR_RETURN(const Json sync,
                           loads_.Creates(ceiling_->address(), kSyncMethod, requests, count, 1));
      against_parts.Add(NumberOf(real, "p50_ms"), NumberOf(sync, "p50_ms"));
      against_append.Add(NumberOf(real, "rate"), NumberOf(bare, "rate"));
      Tell(fmt::format(
          "create, unloaded: {:.3f} ms; bare append {:.3f} ms; one sync and one round "
          "trip {:.3f} ms",
          NumberOf(real, "p50_ms"), NumberOf(bare, "p50_ms"), NumberOf(sync, "p50_ms")));
    }
    rows_.push_back(
        against_parts.TimeRow("create, unloaded, p50", "ms", "one sync + one round trip", 0.5));
    rows_.push_back(against_append.RateRow("create, 1 in flight", "calls/s",
                                           "bare append, 1 in flight", std::nullopt));
    return absl::OkStatus();
  }

  // --- rebuild

  absl::Status MeasureRebuild() {
    std::map<std::string, std::vector<double>> rates;
    for (const int64_t events : extent_.rebuilt) {
      CRM_RETURN_IF_ERROR(MeasureRebuildOf(events, &rates));
    }
    if (extent_.rebuilt.size() < 2) return absl::OkStatus();
    for (const auto& [mode, by_size] : rates) {
      rows_.push_back({fmt::format("rebuild {}, {} against {} events", mode, extent_.rebuilt.back(),
                                   extent_.rebuilt.front()),
                       by_size.back(), "events/s",
                       fmt::format("at {} events", extent_.rebuilt.front()), by_size.front(),
                       by_size.back() / by_size.front(), 0.8});
    }
    return absl::OkStatus();
  }

  absl::Status MeasureRebuildOf(int64_t events, std::map<std::string, std::vector<double>>* rates) {
    const fs::path directory = work_ / fmt::format("log-{}", events);
    Tell(fmt::format("writing a log of {} events", events));
    CRM_RETURN_IF_ERROR(OnFiles("make", directory, events).status());
    CRM_ASSIGN_OR_RETURN(const Json counted, OnFiles("count", directory));
    if (NumberOf(counted, "events") != static_cast<double>(events)) {
      return absl::InternalError("the log lacks events");
    }
    std::vector<BenchRow> sizes = {SizeRow("log", NumberOf(counted, "log_bytes"), counted)};
    double peak = 0;
    for (const char* mode : {"core", "view"}) {
      Pairs pairs;
      Json rebuilt;
      const int rounds = events > 200'000 ? 1 : extent_.rounds;
      for (int i = 0; i < rounds; ++i) {
        CRM_ASSIGN_OR_RETURN(rebuilt, OnFiles(mode, directory));
        CRM_ASSIGN_OR_RETURN(const Json decoded, OnFiles("decode", directory));
        for (const Json& report : {rebuilt, decoded}) {
          if (NumberOf(report, "events") == static_cast<double>(events)) continue;
          return absl::InternalError("a rebuild left out events");
        }
        pairs.Add(RateOf(rebuilt), RateOf(decoded));
        peak = std::max(peak, NumberOf(rebuilt, "peak_bytes"));
        Tell(fmt::format("rebuild {} of {}: {:.0f}/s, decoding alone {:.0f}/s", mode, events,
                         RateOf(rebuilt), RateOf(decoded)));
      }
      rows_.push_back(pairs.RateRow(fmt::format("rebuild {}, {} events", mode, events), "events/s",
                                    "decoding the log", 0.25));
      const double rate = rows_.back().value;
      rows_.push_back({fmt::format("rebuild {}, {} events, rate", mode, events), rate, "events/s",
                       "150 k/s", 150'000, rate / 150'000, 1});
      (*rates)[mode].push_back(rate);
      sizes.push_back(SizeRow(mode, NumberOf(rebuilt, "rebuilt_bytes"), counted));
    }
    rows_.push_back({fmt::format("rebuild memory, {} events", events), peak / (1 << 20), "MiB",
                     "budget", kMemoryBudget / (1 << 20), kMemoryBudget / peak, 1});
    if (events == extent_.rebuilt.back()) rows_.insert(rows_.end(), sizes.begin(), sizes.end());
    return absl::OkStatus();
  }

  static double RateOf(const Json& report) {
    return NumberOf(report, "events") / NumberOf(report, "seconds");
  }

  static BenchRow SizeRow(const std::string& what, double bytes, const Json& counted) {
    const double each = bytes / NumberOf(counted, "events");
    const double value = NumberOf(counted, "value_bytes");
    return {fmt::format("disk, {}", what),
            each,
            "bytes/event",
            "event as logged",
            value,
            value / each,
            {}};
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
  double value_bytes_ = 0;
  double peak_memory_ = 0;
  // Of a real create.
  Json answer_;
  std::vector<BenchRow> rows_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("The shipped server against its ceilings");
  app.add_option("--server", options.server, "crm-all")->required();
  app.add_option("--json", options.json, "Where the results go")->required();
  app.add_option("--work-dir", options.work_dir,
                 "Folder on the disk to measure. Default: beside the results");
  app.add_flag("--quick", options.quick, "Shorter and smaller; figures scatter more");
  app.add_option("--only", options.only)->check(CLI::IsMember({"get", "create", "rebuild"}));
  CLI11_PARSE(app, argc, argv);
  return RunInFolder(options.json, options.work_dir,
                     [&](const std::string& work, std::vector<BenchRow>* rows) {
                       Bench bench(options, fs::canonical("/proc/self/exe").parent_path(), work);
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
