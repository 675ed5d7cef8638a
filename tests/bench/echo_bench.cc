// The ceiling of every RPC: a message of about 400 bytes echoed through the server, client in
// another process. Prints the load client's report for one call at a time and for 64 in flight,
// round after round: from the completion queue, as the service is built, and from gRPC's callback
// server, which takes the calls on threads of its own. The callback server does less a call: it
// neither reads metadata nor limits what is in flight.
//
//   echo_bench LOAD_CLIENT [SECONDS] [COMPLETION_THREADS] [ROUNDS]

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/rpc/rpc_metrics.h"
#include "common/rpc/server.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace {

constexpr int kMessageBytes = 400;

const google::protobuf::ServiceDescriptor* ContactRpc() {
  return crm::contact::v1::CreateContactRequest::descriptor()->file()->service(0);
}

void Echo(std::unique_ptr<crm::UnaryCall> call) {
  call->Finish(crm::Answer{std::string(call->request()), ""});
}

// The same service by callbacks.
class CallbackEcho final : public grpc::Service {
 public:
  CallbackEcho(const crm::Clock& clock, crm::RpcObserver& observer)
      : clock_(clock), observer_(observer) {
    paths_.reserve(static_cast<size_t>(ContactRpc()->method_count()));
    for (int i = 0; i < ContactRpc()->method_count(); ++i) AddEcho(i);
  }

 private:
  void AddEcho(int index) {
    const std::string& name = ContactRpc()->method(index)->name();
    paths_.push_back("/" + ContactRpc()->full_name() + "/" + name);
    AddMethod(new grpc::internal::RpcServiceMethod(paths_.back().c_str(),
                                                   grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
    MarkMethodRawCallback(
        index, new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                   [this, &name](grpc::CallbackServerContext* call, const grpc::ByteBuffer* request,
                                 grpc::ByteBuffer* response) {
                     return Answer(name, call, request, response);
                   }));
  }

  grpc::ServerUnaryReactor* Answer(const std::string& method, grpc::CallbackServerContext* call,
                                   const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
    const crm::TimeNs arrived = clock_.Monotonic();
    observer_.Started(ContactRpc()->full_name(), method);
    *response = *request;
    observer_.Handled(ContactRpc()->full_name(), method, absl::StatusCode::kOk,
                      clock_.Monotonic() - arrived);
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  const crm::Clock& clock_;
  crm::RpcObserver& observer_;
  std::vector<std::string> paths_;
};

std::string WriteRequests() {
  std::string path = "/tmp/echo_bench.XXXXXX";
  const int file = mkstemp(path.data());
  std::string content;
  crm::AppendSized(&content, std::string(kMessageBytes, 'x'));
  if (write(file, content.data(), content.size()) < 0) std::abort();
  close(file);
  return path;
}

int RunClient(const std::string& binary, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), binary);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

int Load(const std::string& client, int port, const std::string& requests,
         const std::string& seconds) {
  int failed = 0;
  for (const char* in_flight : {"1", "64"}) {
    failed |=
        RunClient(client, {"--target", "127.0.0.1:" + std::to_string(port), "--method",
                           "/crm.contact.v1.ContactService/GetContact", "--requests-file", requests,
                           "--in-flight", in_flight, "--seconds", seconds, "--warmup", "0.5"});
  }
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: echo_bench LOAD_CLIENT [SECONDS] [COMPLETION_THREADS] [ROUNDS]\n");
    return 2;
  }
  const std::string seconds = argc > 2 ? argv[2] : "5";
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 1;
  crm::SystemClock clock;
  crm::RpcServerOptions options;
  options.listen = "127.0.0.1:0";
  options.completion_threads = argc > 3 ? std::atoi(argv[3]) : 1;
  crm::Metrics metrics;
  crm::RpcMetrics observer(metrics, {ContactRpc()});
  crm::RpcServer server(options, clock, &observer);
  server.AddService(ContactRpc());
  for (int i = 0; i < ContactRpc()->method_count(); ++i) {
    const auto* method = ContactRpc()->method(i);
    if (method->client_streaming()) {
      server.AddBatch(ContactRpc(), method->name(), Echo);
    } else {
      server.AddUnary(ContactRpc(), method->name(), Echo);
    }
  }
  if (const auto status = server.Start(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  server.SetServing(true);
  CallbackEcho callbacks(clock, observer);
  int callback_port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &callback_port);
  builder.RegisterService(&callbacks);
  const std::unique_ptr<grpc::Server> callback_server = builder.BuildAndStart();
  const std::string requests = WriteRequests();
  int failed = 0;
  for (int i = 0; i < rounds; ++i) {
    std::printf("completion queue:\n");
    std::fflush(stdout);
    failed |= Load(argv[1], server.port(), requests, seconds);
    std::printf("callbacks:\n");
    std::fflush(stdout);
    failed |= Load(argv[1], callback_port, requests, seconds);
  }
  unlink(requests.c_str());
  callback_server->Shutdown();
  server.Shutdown(crm::kSecond);
  return failed == 0 ? 0 : 1;
}
