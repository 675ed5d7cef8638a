// What the contact service could be at best: the same RPC server, with nothing behind it but the
// bare log. GetContact answers canned bytes of the size of a real contact; CreateContact appends
// one record of the size a real create logs and answers once that is durable. Nothing is parsed,
// validated, decided or folded. DeleteContact writes the same bytes to a plain file, syncs and
// answers: one sync and one round trip, as the same clients and the same threads see them. Calls
// are counted and timed as the service's are.
//
//   ceiling_server --data-dir DIR [--listen 127.0.0.1:0] --value-bytes N --response-bytes N
//       --position-bytes N [--rpc-threads N] [--memory-budget BYTES] [--kafka-bootstrap HOST:PORT]
//
// The bare log is the embedded one, or with --kafka-bootstrap topic crm.ceiling.events there.
// Writes DIR/endpoints once it serves, as crm-all does; stops on SIGTERM.

#include <fcntl.h>
#include <google/protobuf/descriptor.h>
#include <unistd.h>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/rpc_metrics.h"
#include "common/rpc/server.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tests/bench/bench_log.h"

namespace {

namespace fs = std::filesystem;

constexpr char kTopic[] = "crm.ceiling.events";
// "default/contacts/" and an id, as a real record's key.
constexpr char kKey[] = "default/contacts/c{:026}";
// Tag of field 1000, length-delimited.
constexpr char kUnknownField[] = "\xc2\x3e";
// Key, head and frame of a record beside its value.
constexpr size_t kRecordOverhead = 80;

struct Options {
  std::string data_dir;
  std::string listen = "127.0.0.1:0";
  size_t value_bytes = 0;
  size_t response_bytes = 0;
  size_t position_bytes = 0;
  int rpc_threads = 1;
  size_t memory_budget = 512 << 20;
  std::string kafka_bootstrap;
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  CLI::App app("The bare log behind the RPC server");
  app.add_option("--data-dir", options.data_dir)->required();
  app.add_option("--listen", options.listen);
  app.add_option("--value-bytes", options.value_bytes, "Size of a logged value")->required();
  app.add_option("--response-bytes", options.response_bytes)->required();
  app.add_option("--position-bytes", options.position_bytes)->required();
  app.add_option("--rpc-threads", options.rpc_threads);
  app.add_option("--memory-budget", options.memory_budget, "Bytes; the log gets its share of it");
  app.add_option("--kafka-bootstrap", options.kafka_bootstrap, "host:port; the log lies there");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

const google::protobuf::ServiceDescriptor* Service() {
  return crm::contact::v1::CreateContactRequest::descriptor()->file()->FindServiceByName(
      "ContactService");
}

// A key in each partition.
std::vector<std::string> Keys() {
  std::vector<std::string> keys(crm::kPartitions);
  size_t missing = keys.size();
  for (int64_t i = 0; missing > 0; ++i) {
    std::string key = fmt::format(kKey, i);
    std::string& place = keys[static_cast<size_t>(crm::PartitionOf(key))];
    if (!place.empty()) continue;
    place = std::move(key);
    --missing;
  }
  return keys;
}

// What every value begins with: engines render headers from it.
std::string ValueStart() {
  crm::contact::v1::ContactRecord record;
  auto* metadata = record.mutable_metadata();
  metadata->set_tenant("default");
  metadata->set_aggregate(fmt::format("contacts/c{:026}", 0));
  metadata->mutable_recorded_time()->set_seconds(1'767'225'600);
  record.mutable_contact()->mutable_created();
  return record.SerializeAsString();
}

// Thread-safe.
class Ceiling {
 public:
  Ceiling(const Options& options, crm::Log& log)
      : answer_{std::string(options.response_bytes, 'r'), std::string(options.position_bytes, 'p')},
        value_bytes_(options.value_bytes),
        log_(log),
        file_(open((options.data_dir + "/synced").c_str(),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  ~Ceiling() { close(file_); }
  Ceiling(const Ceiling&) = delete;
  Ceiling& operator=(const Ceiling&) = delete;

  // On the completion thread, which it blocks: for one call in flight.
  void Sync(std::unique_ptr<crm::UnaryCall> call) const {
    const std::string bytes(value_bytes_ + kRecordOverhead, 'v');
    if (write(file_, bytes.data(), bytes.size()) < 0 || fdatasync(file_) != 0) {
      return call->Finish(absl::InternalError("cannot sync"));
    }
    call->Finish(answer_);
  }

  void Get(std::unique_ptr<crm::UnaryCall> call) const { call->Finish(answer_); }

  void Create(std::unique_ptr<crm::UnaryCall> unary) {
    const std::shared_ptr<crm::UnaryCall> call = std::move(unary);
    const uint32_t hash = crm::Murmur2(call->request());
    auto records = std::make_shared<std::vector<crm::Record>>(1);
    crm::Record& record = records->front();
    const uint32_t partition = hash % crm::kPartitions;
    record.key = keys_[partition];
    record.seq = ++created_;
    record.last = true;
    record.value = ValueWith(call->request());
    const absl::Status status =
        log_.Append(static_cast<crm::Partition>(partition), std::move(records),
                    [this, call](absl::StatusOr<std::vector<crm::Offset>> offsets) {
                      if (!offsets.ok()) return call->Finish(offsets.status());
                      call->Finish(answer_);
                    });
    if (!status.ok()) call->Finish(status);
  }

 private:
  // Of the size of a real one; what is beside its start lies in a field no reader knows.
  std::string ValueWith(std::string_view request) const {
    std::string value = value_start_;
    const size_t rest = value_bytes_ > value.size() + 4 ? value_bytes_ - value.size() - 4 : 0;
    value += kUnknownField;
    std::string filling(request.substr(0, rest));
    filling.resize(rest, 'v');
    crm::AppendSized(&value, filling);
    return value;
  }

  const std::string value_start_ = ValueStart();
  const std::vector<std::string> keys_ = Keys();
  const crm::Answer answer_;
  const size_t value_bytes_;
  crm::Log& log_;
  const int file_;
  std::atomic<int64_t> created_{0};
};

void Register(crm::RpcServer& server, Ceiling& ceiling) {
  using Call = std::unique_ptr<crm::UnaryCall>;
  const auto* service = Service();
  server.AddService(service);
  const auto create = [&ceiling](Call call) { ceiling.Create(std::move(call)); };
  const auto get = [&ceiling](Call call) { ceiling.Get(std::move(call)); };
  const auto sync = [&ceiling](Call call) { ceiling.Sync(std::move(call)); };
  for (int i = 0; i < service->method_count(); ++i) {
    const auto* method = service->method(i);
    if (method->client_streaming()) {
      server.AddBatch(service, method->name(), create);
    } else if (method->name() == "CreateContact") {
      server.AddUnary(service, method->name(), create);
    } else if (method->name() == "DeleteContact") {
      server.AddUnary(service, method->name(), sync);
    } else {
      server.AddUnary(service, method->name(), get);
    }
  }
}

absl::Status Run(const Options& options, const sigset_t& stop) {
  crm::SystemClock clock;
  crm::SystemRandom random;
  fs::create_directories(options.data_dir);
  const crm::BenchLogOptions log = {options.data_dir + "/log", options.kafka_bootstrap, kTopic,
                                    options.memory_budget / 4};
  CRM_ASSIGN_OR_RETURN(const auto engine, crm::OpenBenchLog(log, &random));
  Ceiling ceiling(options, engine->Topic(kTopic));
  crm::RpcServerOptions rpc;
  rpc.listen = options.listen;
  rpc.completion_threads = options.rpc_threads;
  crm::Metrics metrics;
  crm::RpcMetrics observer(metrics, {Service()});
  crm::RpcServer server(rpc, clock, &observer);
  Register(server, ceiling);
  CRM_RETURN_IF_ERROR(server.Start());
  server.SetServing(true);
  std::ofstream(options.data_dir + "/endpoints.new") << "api=127.0.0.1:" << server.port() << "\n";
  std::filesystem::rename(options.data_dir + "/endpoints.new", options.data_dir + "/endpoints");
  int signal = 0;
  sigwait(&stop, &signal);
  server.Shutdown(crm::kSecond);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  const absl::Status status = Run(ParseOptions(argc, argv), stop);
  if (status.ok()) return 0;
  std::fprintf(stderr, "ceiling_server: %s\n", std::string(status.message()).c_str());
  return 1;
}
