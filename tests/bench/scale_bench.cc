// What contacts cost: bytes of the log and of each store, memory, rates of import, start and
// rebuild, measured on a server that is given so many of them. docs/scale.md computes with it.
//
//   scale_bench --server build/release/services/contact/crm-contact --contacts 200000
//       [--bootstrap HOST:PORT --broker-data DIR] [--work-dir DIR]
//
// Without --bootstrap on the embedded engine; with it on Kafka, whose broker must be empty. Prints
// one line of JSON; bytes are a contact's, `after` is the import, or a rebuild of all stores.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/bench/bench_loads.h"
#include "tests/bench/child_process.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using Json = google::protobuf::Struct;

struct Options {
  std::string server;
  std::string bootstrap;
  std::string broker_data;
  std::string work_dir = ".";
  int64_t contacts = 200'000;
};

// Of a log at the broker, the records only: index files are set aside at full length beforehand.
double LogBytesAtBroker(const fs::path& data) {
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    const std::string folder = entry.path().parent_path().filename();
    if (!folder.starts_with("crm.contact.events-") || entry.path().extension() != ".log") continue;
    bytes += static_cast<double>(entry.file_size());
  }
  return bytes;
}

class ScaleBench {
 public:
  ScaleBench(Options options, fs::path programs, fs::path work)
      : options_(std::move(options)),
        work_(std::move(work)),
        loads_({std::move(programs), work_, 0, 0}) {
    std::ofstream(work_ / "secret") << std::string(64, '5');
    fs::permissions(work_ / "secret", fs::perms::owner_read | fs::perms::owner_write);
  }

  absl::Status Run() {
    CRM_RETURN_IF_ERROR(Start());
    CRM_ASSIGN_OR_RETURN(
        const Json imported,
        loads_.Run(server_->address(), kCreateMethod, loads_.WriteCreates(options_.contacts),
                   {"--in-flight", "256", "--channels", "4", "--once"}));
    Add("import_per_second", NumberOf(imported, "rate"));
    CRM_RETURN_IF_ERROR(loads_.CatchUp(server_->address()));
    Add("import_peak_mib", server_->PeakMemory() / (1 << 20));
    CRM_RETURN_IF_ERROR(server_->Stop());
    AddBytes("import");
    CRM_RETURN_IF_ERROR(Start());
    Add("restart_seconds", server_->start_seconds());
    Add("restart_mib", server_->Memory() / (1 << 20));
    CRM_RETURN_IF_ERROR(server_->Stop());
    return Rebuild();
  }

  std::string Report() const {
    return fmt::format("{{\"contacts\":{}{}}}", options_.contacts, report_);
  }

 private:
  void Add(const std::string& name, double value) {
    report_ += fmt::format(",\"{}\":{:.2f}", name, value);
  }

  absl::Status Start() {
    std::vector<std::string> arguments = {options_.server,
                                          "--admin-listen",
                                          "127.0.0.1:0",
                                          "--secret-file",
                                          (work_ / "secret").string(),
                                          "--instance",
                                          "scale"};
    if (!options_.bootstrap.empty()) {
      arguments.insert(arguments.end(), {"--engine", "kafka", "--kafka-bootstrap",
                                         options_.bootstrap, "--create-topics"});
    }
    CRM_ASSIGN_OR_RETURN(server_, ServerProcess::Start(std::move(arguments), work_ / "data"));
    return loads_.AwaitOwner(server_->address());
  }

  // All stores anew from the log.
  absl::Status Rebuild() {
    for (const fs::path& store : Stores()) fs::remove_all(store);
    CRM_RETURN_IF_ERROR(Start());
    CRM_RETURN_IF_ERROR(loads_.CatchUp(server_->address()));
    // In parallel, before it serves.
    Add("rebuild_start_seconds", server_->start_seconds());
    Add("rebuild_peak_mib", server_->PeakMemory() / (1 << 20));
    CRM_RETURN_IF_ERROR(server_->Stop());
    AddBytes("rebuild");
    return absl::OkStatus();
  }

  // data/<service>/<store>-<version>
  std::vector<fs::path> Stores() const {
    std::vector<fs::path> stores;
    for (const auto& entry : fs::directory_iterator(work_ / "data" / "contact")) {
      if (entry.is_directory()) stores.push_back(entry.path());
    }
    return stores;
  }

  static double BytesIn(const fs::path& folder) {
    double bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
    }
    return bytes;
  }

  void AddBytes(const std::string& after) {
    const auto each = static_cast<double>(options_.contacts);
    const bool kafka = !options_.bootstrap.empty();
    if (!kafka) Add("log_bytes_after_" + after, BytesIn(work_ / "data" / "log") / each);
    if (kafka && !options_.broker_data.empty()) {
      Add("log_bytes_after_" + after, LogBytesAtBroker(options_.broker_data) / each);
    }
    for (const fs::path& store : Stores()) {
      Add(store.filename().string() + "_bytes_after_" + after, BytesIn(store) / each);
    }
  }

  const Options options_;
  const fs::path work_;
  BenchLoads loads_;
  std::unique_ptr<ServerProcess> server_;
  std::string report_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("What contacts cost");
  app.add_option("--server", options.server, "crm-contact")->required();
  app.add_option("--contacts", options.contacts);
  app.add_option("--bootstrap", options.bootstrap, "HOST:PORT of an empty broker");
  app.add_option("--broker-data", options.broker_data, "Where the broker's data lie");
  app.add_option("--work-dir", options.work_dir, "Folder on the disk to measure");
  CLI11_PARSE(app, argc, argv);
  fs::create_directories(options.work_dir);
  std::string work = options.work_dir + "/bench-data.XXXXXX";
  if (mkdtemp(work.data()) == nullptr) {
    std::fprintf(stderr, "scale_bench: cannot make %s\n", work.c_str());
    return 1;
  }
  ScaleBench bench(options, fs::canonical("/proc/self/exe").parent_path(), fs::canonical(work));
  const absl::Status status = bench.Run();
  if (!status.ok()) {
    std::fprintf(stderr, "scale_bench: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  std::printf("%s\n", bench.Report().c_str());
  fs::remove_all(work);
  return 0;
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  return crm::Main(argc, argv);
}
