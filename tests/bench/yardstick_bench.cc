// The durable create beside the same in PostgreSQL, bare and behind a thin application server, in
// one run: all take turns, round after round, and the median of the rounds' ratios counts.
//
//   yardstick_bench --server crm-contact [--all-server crm-all] --json FILE
//       --postgres-socket DIR --pgbench PROGRAM --yardstick tests/bench/yardstick
//       [--node PROGRAM --wrk PROGRAM --node-server DIR/server.mjs] [--quick]
//
// Each has 64 clients, and the clients share the machine with what they measure. The cluster runs
// already (scripts/postgres.sh); docs/performance.md says what is compared. Exit status 0: all was
// measured, nothing failed and everything acknowledged is stored.

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
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

constexpr int kInFlight = 64;
constexpr double kCreatesPerSecond = 60'000;

struct Options {
  std::string server;
  std::string all_server;
  std::string json;
  std::string work_dir;
  std::string socket;
  std::string pgbench;
  std::string psql;
  std::string yardstick;
  std::string node;
  std::string wrk;
  std::string node_server;
  int connections = 32;
  bool quick = false;
};

// What one turn of one party did.
struct Turn {
  double rate = 0;
  double calls = 0;
};

// One of those compared: how it is loaded, and whose processor time counts.
struct Party {
  std::string name;
  std::function<absl::StatusOr<Turn>()> load;
  std::vector<pid_t> processes;
  std::vector<double> rates;
  // Of one create, in microseconds.
  std::vector<double> costs;
};

// The number that follows `label`, or begins the text where that is empty.
absl::StatusOr<double> NumberAfter(const std::string& text, const std::string& label) {
  const size_t found = text.find(label);
  if (found == text.npos) return absl::InternalError(fmt::format("no '{}' in: {}", label, text));
  const char* begin = text.c_str() + found + label.size();
  char* end = nullptr;
  const double number = std::strtod(begin, &end);
  if (end != begin) return number;
  return absl::InternalError(fmt::format("no number after '{}' in: {}", label, text));
}

class Bench {
 public:
  Bench(Options options, fs::path programs, fs::path work)
      : options_(std::move(options)),
        seconds_(options_.quick ? 3 : 8),
        rounds_(options_.quick ? 3 : 5),
        programs_(std::move(programs)),
        work_(std::move(work)),
        loads_({programs_, work_, seconds_, 0.5}) {}

  absl::Status Run() {
    CRM_RETURN_IF_ERROR(MakeParties());
    for (int i = 0; i < rounds_; ++i) {
      for (Party& party : parties_) CRM_RETURN_IF_ERROR(TakeTurn(&party));
    }
    for (const auto& server : servers_) CRM_RETURN_IF_ERROR(server->Stop());
    CRM_RETURN_IF_ERROR(CountStored());
    Compare();
    return absl::OkStatus();
  }
  const std::vector<BenchRow>& rows() const { return rows_; }

 private:
  absl::Status MakeParties() {
    CRM_RETURN_IF_ERROR(AddOurs("create", options_.server));
    CRM_ASSIGN_OR_RETURN(
        const std::string made,
        RunForOutput({options_.psql, "-h", options_.socket, "-U", "bench", "-d", "postgres", "-q",
                      "-v", "ON_ERROR_STOP=1", "-f", options_.yardstick + "/schema.sql"}));
    AddBare("PostgreSQL", "create.sql");
    AddBare("PostgreSQL, one statement", "create_one_statement.sql");
    if (!options_.node.empty()) {
      CRM_RETURN_IF_ERROR(AddNode("Node over PostgreSQL", "transaction"));
      CRM_RETURN_IF_ERROR(AddNode("Node, one statement", "statement"));
    }
    if (!options_.all_server.empty()) {
      CRM_RETURN_IF_ERROR(AddOurs("create, four services", options_.all_server));
    }
    return absl::OkStatus();
  }

  absl::Status AddOurs(const std::string& name, const std::string& program) {
    CRM_ASSIGN_OR_RETURN(std::unique_ptr<ServerProcess> server,
                         ServerProcess::Start({program, "--admin-listen", "127.0.0.1:0"},
                                              work_ / fmt::format("server-{}", servers_.size())));
    const std::string address = server->address();
    const pid_t pid = server->pid();
    servers_.push_back(std::move(server));
    parties_.push_back({name, [this, address] { return LoadOurs(address); }, {pid}, {}, {}});
    return absl::OkStatus();
  }

  // Its views have caught up before the next party's turn.
  absl::StatusOr<Turn> LoadOurs(const std::string& address) {
    const auto count = static_cast<int64_t>(loads_.load_seconds() * kCreatesPerSecond);
    const fs::path requests = loads_.WriteCreates(count, BenchLoads::Keys::kExternal);
    CRM_ASSIGN_OR_RETURN(const Json report,
                         loads_.Creates(address, kCreateMethod, requests, count, kInFlight));
    CRM_RETURN_IF_ERROR(loads_.CatchUp(address));
    return Turn{NumberOf(report, "rate"), NumberOf(report, "ok")};
  }

  void AddBare(const std::string& name, const std::string& script) {
    parties_.push_back(
        {name, [this, script] { return LoadBare(script); }, {PidOfPostgres()}, {}, {}});
  }

  pid_t PidOfPostgres() const {
    pid_t pid = 0;
    std::ifstream(fs::path(options_.socket).parent_path() / "data/postmaster.pid") >> pid;
    return pid;
  }

  absl::StatusOr<Turn> LoadBare(const std::string& script) {
    CRM_ASSIGN_OR_RETURN(const std::string report,
                         RunForOutput({options_.pgbench, "-h", options_.socket, "-U", "bench", "-n",
                                       "-M", "prepared", "-c", std::to_string(kInFlight), "-j", "1",
                                       "-T", fmt::format("{:.0f}", seconds_), "-f",
                                       options_.yardstick + "/" + script, "postgres"}));
    CRM_ASSIGN_OR_RETURN(const double rate, NumberAfter(report, "tps = "));
    CRM_ASSIGN_OR_RETURN(const double calls, NumberAfter(report, "actually processed: "));
    CRM_ASSIGN_OR_RETURN(const double failed, NumberAfter(report, "failed transactions: "));
    if (failed != 0) return absl::InternalError(report);
    stored_ += calls;
    return Turn{rate, calls};
  }

  absl::Status AddNode(const std::string& name, const std::string& form) {
    CRM_ASSIGN_OR_RETURN(
        std::unique_ptr<ServerProcess> server,
        ServerProcess::Start(
            {options_.node, options_.node_server, "--socket", options_.socket, "--connections",
             std::to_string(options_.connections), "--form", form},
            work_ / fmt::format("server-{}", servers_.size())));
    const std::string address = server->address();
    const pid_t pid = server->pid();
    servers_.push_back(std::move(server));
    parties_.push_back(
        {name, [this, address] { return LoadNode(address); }, {pid, PidOfPostgres()}, {}, {}});
    return absl::OkStatus();
  }

  absl::StatusOr<Turn> LoadNode(const std::string& address) {
    CRM_ASSIGN_OR_RETURN(
        const Json report,
        RunForJson({options_.wrk, "-t1", fmt::format("-c{}", kInFlight),
                    fmt::format("-d{:.0f}s", seconds_), "-s", options_.yardstick + "/load.lua",
                    "http://" + address, "--", fmt::format("r{}", ++node_runs_)}));
    if (NumberOf(report, "failed") != 0)
      return absl::InternalError("calls of the Node server failed");
    stored_ += NumberOf(report, "calls");
    return Turn{NumberOf(report, "rate"), NumberOf(report, "calls")};
  }

  static absl::Status TakeTurn(Party* party) {
    double before = 0;
    for (const pid_t pid : party->processes) before += ProcessorSeconds(pid);
    CRM_ASSIGN_OR_RETURN(const Turn turn, party->load());
    double after = 0;
    for (const pid_t pid : party->processes) after += ProcessorSeconds(pid);
    party->rates.push_back(turn.rate);
    party->costs.push_back((after - before) * 1e6 / turn.calls);
    std::fprintf(stderr, "bench: %s\n",
                 fmt::format("{}: {:.0f}/s, {:.0f} us of processor time each", party->name,
                             turn.rate, party->costs.back())
                     .c_str());
    return absl::OkStatus();
  }

  // A closing load may have been answered no more, but never the other way round.
  absl::Status CountStored() const {
    for (const char* table : {"contact", "event"}) {
      CRM_ASSIGN_OR_RETURN(
          const std::string counted,
          RunForOutput({options_.psql, "-h", options_.socket, "-U", "bench", "-d", "postgres", "-t",
                        "-c", fmt::format("select count(*) from {}", table)}));
      CRM_ASSIGN_OR_RETURN(const double rows, NumberAfter(counted, ""));
      if (rows >= stored_) continue;
      return absl::InternalError(fmt::format(
          "PostgreSQL answered {} creates, but table {} has {} rows", stored_, table, rows));
    }
    return absl::OkStatus();
  }

  void Compare() {
    Against("PostgreSQL", 1.5);
    Against("PostgreSQL, one statement", std::nullopt);
    Against("Node over PostgreSQL", 3);
    Against("Node, one statement", std::nullopt);
    for (const Party& party : parties_) {
      rows_.push_back({fmt::format("{}: processor time", party.name), Median(party.costs),
                       "us/create", "the contact service", Median(parties_.front().costs),
                       Median(parties_.front().costs) / Median(party.costs), std::nullopt});
    }
  }

  // Of every server of ours.
  void Against(const std::string& name, std::optional<double> aim) {
    const Party* yardstick = nullptr;
    for (const Party& party : parties_) {
      if (party.name == name) yardstick = &party;
    }
    if (yardstick == nullptr) return;
    for (const Party& party : parties_) {
      if (!party.name.starts_with("create")) continue;
      Pairs pairs;
      for (int i = 0; i < rounds_; ++i) pairs.Add(party.rates[i], yardstick->rates[i]);
      const bool alone = &party == &parties_.front();
      rows_.push_back(pairs.RateRow(party.name, "calls/s", name, alone ? aim : std::nullopt));
    }
  }

  const Options options_;
  const double seconds_;
  const int rounds_;
  const fs::path programs_;
  const fs::path work_;
  BenchLoads loads_;
  std::vector<std::unique_ptr<ServerProcess>> servers_;
  std::vector<Party> parties_;
  int node_runs_ = 0;
  // Creates that PostgreSQL acknowledged.
  double stored_ = 0;
  std::vector<BenchRow> rows_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("The durable create beside PostgreSQL and a thin server before it");
  app.add_option("--server", options.server, "crm-contact")->required();
  app.add_option("--all-server", options.all_server, "crm-all, in rows of its own");
  app.add_option("--json", options.json, "Where the results go")->required();
  app.add_option("--work-dir", options.work_dir,
                 "Folder on the disk to measure. Default: beside the results");
  app.add_option("--postgres-socket", options.socket, "Folder of the cluster's socket")->required();
  app.add_option("--pgbench", options.pgbench)->required();
  app.add_option("--psql", options.psql)->required();
  app.add_option("--yardstick", options.yardstick, "Folder of the scripts")->required();
  app.add_option("--node", options.node, "Without it, no application server");
  app.add_option("--wrk", options.wrk);
  app.add_option("--node-server", options.node_server, "server.mjs, its packages beside it");
  app.add_option("--node-connections", options.connections, "Of its pool");
  app.add_flag("--quick", options.quick, "Shorter; figures scatter more");
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
