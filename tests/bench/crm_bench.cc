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
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/admin/v1/admin_service.pb.h"
#include "tests/bench/child_process.h"
#include "tests/bench/sample_contacts.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using Json = google::protobuf::Struct;

constexpr char kGet[] = "/crm.contact.v1.ContactService/GetContact";
constexpr char kCreate[] = "/crm.contact.v1.ContactService/CreateContact";
// What the ceiling server answers after one sync of a plain file.
constexpr char kSync[] = "/crm.contact.v1.ContactService/DeleteContact";
constexpr char kStatus[] = "/crm.admin.v1.AdminService/GetStatus";
constexpr double kMemoryBudget = 512 << 20;
// More creates than any machine of this size takes a second.
constexpr double kCreatesPerSecond = 40'000;
constexpr std::chrono::seconds kCatchUpDeadline{120};

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

struct Row {
  std::string name;
  double value = 0;
  std::string unit;
  std::string ceiling_name;
  double ceiling = 0;
  double ratio = 0;
  std::optional<double> aim;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Pairs of one row, one a round.
class Pairs {
 public:
  void Add(double value, double ceiling) {
    values_.push_back(value);
    ceilings_.push_back(ceiling);
  }
  // The more the better.
  Row RateRow(std::string name, std::string unit, std::string ceiling_name,
              std::optional<double> aim) const {
    return MakeRow(std::move(name), std::move(unit), std::move(ceiling_name), aim, false);
  }
  // The less the better.
  Row TimeRow(std::string name, std::string unit, std::string ceiling_name,
              std::optional<double> aim) const {
    return MakeRow(std::move(name), std::move(unit), std::move(ceiling_name), aim, true);
  }

 private:
  Row MakeRow(std::string name, std::string unit, std::string ceiling_name,
              std::optional<double> aim, bool inverse) const {
    std::vector<double> ratios;
    for (size_t i = 0; i < values_.size(); ++i) {
      ratios.push_back(inverse ? ceilings_[i] / values_[i] : values_[i] / ceilings_[i]);
    }
    return {std::move(name),
            Median(values_),
            std::move(unit),
            std::move(ceiling_name),
            Median(ceilings_),
            Median(ratios),
            aim};
  }

  std::vector<double> values_;
  std::vector<double> ceilings_;
};

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Bench {
 public:
  Bench(Options options, fs::path programs, fs::path work)
      : options_(std::move(options)),
        extent_(ExtentOf(options_.quick)),
        programs_(std::move(programs)),
        work_(std::move(work)) {}

  absl::Status Run() {
    if (Wanted("get") || Wanted("create")) CRM_RETURN_IF_ERROR(MeasureServer());
    if (Wanted("rebuild")) CRM_RETURN_IF_ERROR(MeasureRebuild());
    return absl::OkStatus();
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  bool Wanted(const std::string& part) const {
    return options_.only.empty() || options_.only == part;
  }
  std::string Program(const char* name) const { return (programs_ / name).string(); }
  void Tell(const std::string& what) const { std::fprintf(stderr, "bench: %s\n", what.c_str()); }

  // --- loads

  // Requests to create contacts no load has sent before.
  fs::path WriteCreates(int64_t count) {
    ++run_;
    std::string all;
    for (int64_t i = 0; i < count; ++i) {
      AppendSized(&all, SampleCreate(run_, i).SerializeAsString());
    }
    fs::path path = work_ / "creates";
    std::ofstream(path, std::ios::binary) << all;
    return path;
  }

  absl::StatusOr<Json> Load(const ServerProcess& server, const char* method,
                            const fs::path& requests, std::vector<std::string> how) const {
    std::vector<std::string> arguments = {
        Program("load_client"), "--target",       server.address(), "--method", method,
        "--requests-file",      requests.string()};
    arguments.insert(arguments.end(), how.begin(), how.end());
    CRM_ASSIGN_OR_RETURN(Json report, RunForJson(arguments));
    if (NumberOf(report, "sent") == NumberOf(report, "ok")) return report;
    return absl::InternalError(fmt::format("{} of {} calls of {} failed",
                                           NumberOf(report, "sent") - NumberOf(report, "ok"),
                                           NumberOf(report, "sent"), method));
  }

  std::vector<std::string> Timed(int in_flight) const {
    return {"--in-flight", std::to_string(in_flight),
            "--seconds",   fmt::format("{}", extent_.seconds),
            "--warmup",    fmt::format("{}", extent_.warmup)};
  }

  absl::StatusOr<Json> CreateLoad(const ServerProcess& server, const char* method,
                                  const fs::path& requests, int64_t count, int in_flight) const {
    CRM_ASSIGN_OR_RETURN(Json report, Load(server, method, requests, Timed(in_flight)));
    if (NumberOf(report, "sent") <= static_cast<double>(count)) return report;
    return absl::InternalError("the load ran out of new requests");
  }

  // The views' work of one load must not fall into the next one's time.
  absl::Status CatchUp() const {
    const fs::path request = work_ / "status-request";
    std::ofstream(request, std::ios::binary) << std::string(1, '\0');
    const fs::path response = work_ / "status-response";
    const auto deadline = std::chrono::steady_clock::now() + kCatchUpDeadline;
    while (std::chrono::steady_clock::now() < deadline) {
      CRM_RETURN_IF_ERROR(
          Load(*real_, kStatus, request, {"--count", "1", "--responses-file", response.string()})
              .status());
      if (LagIn(ReadAll(response)) == 0) return absl::OkStatus();
    }
    return absl::InternalError("the views do not catch up");
  }

  static int64_t LagIn(std::string_view responses) {
    std::string_view first;
    admin::v1::GetStatusResponse status;
    if (!ReadSized(&responses, &first) ||
        !status.ParseFromArray(first.data(), static_cast<int>(first.size()))) {
      return 1;
    }
    int64_t lag = 0;
    for (const auto& service : status.services()) {
      for (const auto& projection : service.projections()) lag += projection.lag();
    }
    return lag;
  }

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
    CRM_ASSIGN_OR_RETURN(const Json report, Load(*real_, kCreate, WriteCreates(extent_.stored),
                                                 {"--in-flight", "64", "--once", "--responses-file",
                                                  responses.string()}));
    created_ += NumberOf(report, "ok");
    answer_ = report;
    WriteGets(ReadAll(responses));
    return absl::OkStatus();
  }

  void WriteGets(std::string_view contacts) {
    std::string all;
    std::string_view bytes;
    while (!contacts.empty() && ReadSized(&contacts, &bytes)) {
      contact::v1::Contact contact;
      contact.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
      contact::v1::GetContactRequest request;
      request.set_name(contact.name());
      AppendSized(&all, request.SerializeAsString());
    }
    std::ofstream(work_ / "gets", std::ios::binary) << all;
  }

  absl::Status MeasureServer() {
    CRM_RETURN_IF_ERROR(StartReal());
    CRM_RETURN_IF_ERROR(Fill());
    CRM_RETURN_IF_ERROR(CatchUp());
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
      CRM_ASSIGN_OR_RETURN(const Json real, Load(*real_, kGet, work_ / "gets", Timed(64)));
      CRM_ASSIGN_OR_RETURN(const Json echo, Load(*ceiling_, kGet, work_ / "gets", Timed(64)));
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
      const auto count =
          static_cast<int64_t>((extent_.seconds + extent_.warmup) * kCreatesPerSecond);
      const fs::path requests = WriteCreates(count);
      CRM_ASSIGN_OR_RETURN(const Json real,
                           CreateLoad(*real_, kCreate, requests, count, in_flight));
      created_ += NumberOf(real, "ok");
      CRM_RETURN_IF_ERROR(CatchUp());
      CRM_ASSIGN_OR_RETURN(const Json bare,
                           CreateLoad(*ceiling_, kCreate, requests, count, in_flight));
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
      const auto count = static_cast<int64_t>((extent_.seconds + extent_.warmup) * 10'000);
      const fs::path requests = WriteCreates(count);
      CRM_ASSIGN_OR_RETURN(const Json real, CreateLoad(*real_, kCreate, requests, count, 1));
      created_ += NumberOf(real, "ok");
      CRM_RETURN_IF_ERROR(CatchUp());
      CRM_ASSIGN_OR_RETURN(const Json bare, CreateLoad(*ceiling_, kCreate, requests, count, 1));
      CRM_ASSIGN_OR_RETURN(const Json sync, CreateLoad(*ceiling_, kSync, requests, count, 1));
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
    std::vector<Row> sizes = {SizeRow("log", NumberOf(counted, "log_bytes"), counted)};
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

  static Row SizeRow(const std::string& what, double bytes, const Json& counted) {
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
  std::unique_ptr<ServerProcess> real_;
  std::unique_ptr<ServerProcess> ceiling_;
  int run_ = 0;
  // Creates that were answered OK, in all loads.
  double created_ = 0;
  double value_bytes_ = 0;
  double peak_memory_ = 0;
  // Of a real create.
  Json answer_;
  std::vector<Row> rows_;
};

std::string Number(double value) {
  if (value >= 1000) return fmt::format("{:.0f}", value);
  return value >= 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.3f}", value);
}

void Print(const std::vector<Row>& rows) {
  std::printf("%s\n", fmt::format("{:<46} {:>10} {:<12} {:<26} {:>10} {:>6} {:>5}", "", "measured",
                                  "", "ceiling", "", "ratio", "aim")
                          .c_str());
  for (const Row& row : rows) {
    const char* met = !row.aim ? "" : row.ratio >= *row.aim ? "met" : "MISSED";
    std::printf("%s\n",
                fmt::format("{:<46} {:>10} {:<12} {:<26} {:>10} {:>6.2f} {:>5} {}", row.name,
                            Number(row.value), row.unit, row.ceiling_name, Number(row.ceiling),
                            row.ratio, row.aim ? fmt::format("{:.2f}", *row.aim) : "", met)
                    .c_str());
  }
}

void WriteJson(const std::vector<Row>& rows, const std::string& path) {
  std::string lines;
  for (const Row& row : rows) {
    lines += fmt::format(
        "{}  {{\"name\": \"{}\", \"value\": {:.4f}, \"unit\": \"{}\", \"ceiling_name\": \"{}\", "
        "\"ceiling\": {:.4f}, \"ratio\": {:.4f}, \"aim\": {}}}",
        lines.empty() ? "" : ",\n", row.name, row.value, row.unit, row.ceiling_name, row.ceiling,
        row.ratio, row.aim ? fmt::format("{}", *row.aim) : "null");
  }
  std::ofstream(path) << "{\"results\": [\n" << lines << "\n]}\n";
}

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
  std::string work = options.work_dir.empty() ? fs::absolute(options.json).parent_path().string()
                                              : options.work_dir;
  fs::create_directories(work);
  work += "/bench-data.XXXXXX";
  if (mkdtemp(work.data()) == nullptr) {
    std::fprintf(stderr, "bench: cannot make %s\n", work.c_str());
    return 1;
  }
  Bench bench(options, fs::canonical("/proc/self/exe").parent_path(), work);
  const absl::Status status = bench.Run();
  Print(bench.rows());
  if (!status.ok()) {
    std::fprintf(stderr, "bench: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  WriteJson(bench.rows(), options.json);
  fs::remove_all(work);
  return 0;
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  return crm::Main(argc, argv);
}
