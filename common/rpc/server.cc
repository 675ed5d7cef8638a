#include "common/rpc/server.h"

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/rpc/batch_rpc.h"
#include "common/rpc/completion_loop.h"
#include "common/rpc/health.h"
#include "common/rpc/raw_service.h"
#include "common/rpc/stream_rpc.h"
#include "common/rpc/unary_rpc.h"
#include "common/rpc/unknown_rpc.h"

namespace crm {
namespace {

// Time for answers already given to reach the network, beyond the grace for giving them.
constexpr TimeNs kFlushTime = kSecond;
// gRPC cancels calls that arrive while it shuts down. So callers are told to go elsewhere until
// none came for a while, or it has been long enough.
constexpr TimeNs kQuiet = 20 * kMillisecond;
constexpr TimeNs kLongestQuiet = kSecond;
// Streams of one method that wait to be matched with the network, per loop.
constexpr int kRequestedStreams = 4;
// Unary calls likewise.
constexpr int kRequestedCalls = 8;
constexpr int kRequestedChecks = 4;
constexpr int kLeastPingInterval = 1000;

// The library registers the plugin at static initialisation where it is linked whole; this adds it
// where it was not.
class WithReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    auto reflection = std::make_unique<grpc::reflection::ProtoServerReflectionPlugin>();
    const bool present = std::any_of(plugins->begin(), plugins->end(), [&](const auto& plugin) {
      return plugin->name() == reflection->name();
    });
    if (!present) plugins->push_back(std::move(reflection));
  }
};

std::chrono::system_clock::time_point InNanoseconds(TimeNs time) {
  return std::chrono::system_clock::now() + std::chrono::nanoseconds(time);
}

}  // namespace

struct RpcServer::State {
  // Exactly one is set.
  struct Method {
    UnaryHandler unary;
    StreamHandler stream;
    UnaryHandler batch;
  };
  struct Service {
    explicit Service(const google::protobuf::ServiceDescriptor* descriptor)
        : raw(descriptor), methods(descriptor->method_count()) {}
    RawService raw;
    std::vector<Method> methods;
  };

  State(RpcServerOptions options, const Clock& clock, RpcObserver* observer)
      : core(std::make_shared<ServerCore>(std::move(options), clock, observer)) {}

  Method& Find(const google::protobuf::ServiceDescriptor* service, const std::string& method);
  void Configure(grpc::ServerBuilder* builder);
  void RequestCalls(Service& service, CompletionLoop& loop);
  void RequestHealth(CompletionLoop& loop);

  const std::shared_ptr<ServerCore> core;
  std::vector<std::unique_ptr<Service>> services;
  grpc::AsyncGenericService unknown;
  Health health;
  RawService health_service{grpc::health::v1::HealthCheckRequest::descriptor()->file()->service(0)};
  const UnaryHandler health_check = HealthCheck(health);
  int port = 0;
  std::unique_ptr<grpc::Server> server;
  // Methods are freed before the loops they run on.
  std::vector<std::unique_ptr<CompletionLoop>> loops;
  std::vector<std::unique_ptr<UnaryMethod>> unary_methods;
  // Held by a shutdown from its first to its last step.
  Mutex mutex;
};

RpcServer::State::Method& RpcServer::State::Find(
    const google::protobuf::ServiceDescriptor* descriptor, const std::string& name) {
  const auto* method = descriptor->FindMethodByName(name);
  CRM_CHECK(method != nullptr);
  for (auto& service : services) {
    if (service->raw.descriptor() == descriptor) return service->methods[method->index()];
  }
  CRM_CHECK(!"AddService comes first");
  std::abort();
}

void RpcServer::State::Configure(grpc::ServerBuilder* builder) {
  const RpcServerOptions& options = core->options;
  builder->AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port);
  builder->SetMaxReceiveMessageSize(options.max_message_bytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  // Replicas that pass calls on look every two seconds whether the one asked still lives.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kLeastPingInterval);
  // A second server on the same port would silently take half of the connections.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder->SetOption(std::make_unique<WithReflection>());
  builder->SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder->SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  for (auto& service : services) builder->RegisterService(&service->raw);
  builder->RegisterService(&health_service);
  builder->RegisterAsyncGenericService(&unknown);
  for (int i = 0; i < std::max(1, options.completion_threads); ++i) {
    loops.push_back(std::make_unique<CompletionLoop>(builder->AddCompletionQueue()));
  }
}

void RpcServer::State::RequestCalls(Service& service, CompletionLoop& loop) {
  for (size_t i = 0; i < service.methods.size(); ++i) {
    Method& method = service.methods[i];
    const auto* descriptor = service.raw.descriptor();
    const int index = static_cast<int>(i);
    const RawMethod raw{*core, service.raw, index, descriptor->full_name(),
                        descriptor->method(index)->name()};
    CRM_CHECK(method.unary || method.stream || method.batch);
    if (method.unary) {
      unary_methods.push_back(
          std::make_unique<UnaryMethod>(raw, method.unary, loop, kRequestedCalls));
      unary_methods.back()->RequestCalls();
    }
    for (int n = 0; n < kRequestedStreams; ++n) {
      if (method.stream) RequestStreams(raw, method.stream, loop);
      if (method.batch) RequestBatches(raw, core, method.batch, loop);
    }
  }
}

void RpcServer::State::RequestHealth(CompletionLoop& loop) {
  const auto* descriptor = health_service.descriptor();
  const auto method = [&](const char* name) {
    const auto* found = descriptor->FindMethodByName(name);
    return RawMethod{*core, health_service, found->index(), descriptor->full_name(), found->name(),
                     true};
  };
  unary_methods.push_back(
      std::make_unique<UnaryMethod>(method("Check"), health_check, loop, kRequestedChecks));
  unary_methods.back()->RequestCalls();
  RequestHealthWatches(method("Watch"), health, loop);
}

RpcServer::RpcServer(RpcServerOptions options, const Clock& clock, RpcObserver* observer)
    : state_(std::make_unique<State>(std::move(options), clock, observer)) {
  // The packaged abseil looks for lock cycles at every lock gRPC takes, stack traces included.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

RpcServer::~RpcServer() {
  Shutdown(0);
}

void RpcServer::AddService(const google::protobuf::ServiceDescriptor* service) {
  state_->services.push_back(std::make_unique<State::Service>(service));
  state_->health.AddService(service->full_name());
}

void RpcServer::AddUnary(const google::protobuf::ServiceDescriptor* service,
                         const std::string& method, UnaryHandler handler) {
  state_->Find(service, method).unary = std::move(handler);
}

void RpcServer::AddStream(const google::protobuf::ServiceDescriptor* service,
                          const std::string& method, StreamHandler handler) {
  state_->Find(service, method).stream = std::move(handler);
}

void RpcServer::AddBatch(const google::protobuf::ServiceDescriptor* service,
                         const std::string& method, UnaryHandler handler) {
  state_->Find(service, method).batch = std::move(handler);
}

absl::Status RpcServer::Start() {
  State& state = *state_;
  grpc::EnableDefaultHealthCheckService(false);
  grpc::ServerBuilder builder;
  state.Configure(&builder);
  state.server = builder.BuildAndStart();
  if (state.server == nullptr || state.port == 0) {
    state.loops.clear();
    return Error(absl::StatusCode::kUnavailable, "CANNOT_LISTEN",
                 fmt::format("cannot listen on {}: is the port in use, or the address not this "
                             "machine's? Choose another with --listen",
                             state.core->options.listen));
  }
  for (auto& loop : state.loops) {
    for (auto& service : state.services) state.RequestCalls(*service, *loop);
    state.RequestHealth(*loop);
    RequestUnknown(state.unknown, *loop);
    loop->Start();
  }
  return absl::OkStatus();
}

int RpcServer::port() const {
  return state_->port;
}

void RpcServer::SetServing(bool serving) {
  state_->health.SetServing(serving);
}

int RpcServer::in_flight() const {
  return state_->core->admission.in_flight();
}

// First all that was accepted is answered while newcomers are told to go elsewhere; only then the
// transport is shut down. The other way round, calls between the network and a loop would be lost
// without an answer.
void RpcServer::Shutdown(TimeNs grace) {
  State& state = *state_;
  MutexLock lock(state.mutex);
  if (state.server == nullptr) return;
  state.health.SetServing(false);
  ServerCore& core = *state.core;
  const TimeNs until = core.clock.Monotonic() + grace;
  core.admission.Stop();
  core.batch_admission.Stop();
  for (auto& loop : state.loops) loop->Drain();
  core.admission.WaitUntilIdle(grace);
  core.batch_admission.WaitUntilIdle(std::max<TimeNs>(0, until - core.clock.Monotonic()));
  core.admission.WaitUntilQuiet(
      kQuiet, std::clamp<TimeNs>(until - core.clock.Monotonic(), 0, kLongestQuiet));
  for (auto& loop : state.loops) loop->CutOff();
  state.server->Shutdown(InNanoseconds(kFlushTime));
  for (auto& loop : state.loops) loop->Close();
  state.unary_methods.clear();
  state.server.reset();
  state.loops.clear();
}

}  // namespace crm
