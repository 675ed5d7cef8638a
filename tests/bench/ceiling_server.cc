// What the contact service could be at best: the same RPC server, with nothing behind it but the
// bare log. GetContact answers canned bytes of the size of a real contact; CreateContact appends
// one record of the size a real create logs and answers once that is durable. Nothing is parsed,
// validated, decided or folded. DeleteContact writes the same bytes to a plain file, syncs and
// answers: one sync and one round trip, as the same clients and the same threads see them. Calls
// are counted and timed as the service's are.
//
//   ceiling_server --data-dir DIR [--listen 127.0.0.1:0] --value-bytes N --response-bytes N
//       --position-bytes N [--rpc-threads N] [--memory-budget BYTES]
//
// Writes DIR/endpoints once it serves, as crm-all does; stops on SIGTERM.

#include <fcntl.h>
#include <google/protobuf/descriptor.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/log/embedded/embedded_log.h"
#include "common/rpc/rpc_metrics.h"
#include "common/rpc/server.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace {

constexpr char kTopic[] = "crm.contact.events";
// "default/contacts/" and an id, as a real record's key.
constexpr char kKeyStart[] = "default/contacts/c";
constexpr size_t kIdDigits = 26;
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
    record.key = kKeyStart + std::string(kIdDigits, 'a');
    record.seq = ++created_;
    record.last = true;
    record.value = call->request();
    record.value.resize(value_bytes_, 'v');
    const absl::Status status =
        log_.Append(static_cast<crm::Partition>(hash % crm::kPartitions), std::move(records),
                    [this, call](absl::StatusOr<std::vector<crm::Offset>> offsets) {
                      if (!offsets.ok()) return call->Finish(offsets.status());
                      call->Finish(answer_);
                    });
    if (!status.ok()) call->Finish(status);
  }

 private:
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

absl::StatusOr<std::unique_ptr<crm::EmbeddedLogEngine>> OpenLog(const Options& options,
                                                                crm::Random& random) {
  std::filesystem::create_directories(options.data_dir);
  crm::EmbeddedLogOptions log;
  log.directory = options.data_dir + "/log";
  log.topics = {kTopic};
  log.secret_check = std::string(16, 's');
  log.random = &random;
  log.memory_bytes = options.memory_budget / 4;
  return crm::EmbeddedLogEngine::Open(std::move(log));
}

absl::Status Run(const Options& options, const sigset_t& stop) {
  crm::SystemClock clock;
  crm::SystemRandom random;
  CRM_ASSIGN_OR_RETURN(const auto engine, OpenLog(options, random));
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
