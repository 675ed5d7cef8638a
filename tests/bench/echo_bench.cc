// The ceiling of every RPC: a message of about 400 bytes echoed through the server, client in
// another process. Prints the load client's report for one call at a time and for 64 in flight.
//
//   echo_bench LOAD_CLIENT [SECONDS] [COMPLETION_THREADS]

#include <google/protobuf/descriptor.h>
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

const google::protobuf::ServiceDescriptor* Service() {
  return crm::contact::v1::CreateContactRequest::descriptor()->file()->service(0);
}

void Echo(std::unique_ptr<crm::UnaryCall> call) {
  call->Finish(crm::Answer{std::string(call->request()), ""});
}

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

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: echo_bench LOAD_CLIENT [SECONDS] [COMPLETION_THREADS]\n");
    return 2;
  }
  const std::string seconds = argc > 2 ? argv[2] : "5";
  crm::SystemClock clock;
  crm::RpcServerOptions options;
  options.listen = "127.0.0.1:0";
  options.completion_threads = argc > 3 ? std::atoi(argv[3]) : 1;
  crm::Metrics metrics;
  crm::RpcMetrics observer(metrics, {Service()});
  crm::RpcServer server(options, clock, &observer);
  server.AddService(Service());
  for (int i = 0; i < Service()->method_count(); ++i) {
    const auto* method = Service()->method(i);
    if (method->client_streaming()) {
      server.AddBatch(Service(), method->name(), Echo);
    } else {
      server.AddUnary(Service(), method->name(), Echo);
    }
  }
  if (const auto status = server.Start(); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  server.SetServing(true);
  const std::string requests = WriteRequests();
  int failed = 0;
  for (const char* in_flight : {"1", "64"}) {
    failed |= RunClient(argv[1],
                        {"--target", "127.0.0.1:" + std::to_string(server.port()), "--method",
                         "/crm.contact.v1.ContactService/GetContact", "--requests-file", requests,
                         "--in-flight", in_flight, "--seconds", seconds, "--warmup", "0.5"});
  }
  unlink(requests.c_str());
  server.Shutdown(crm::kSecond);
  return failed == 0 ? 0 : 1;
}
