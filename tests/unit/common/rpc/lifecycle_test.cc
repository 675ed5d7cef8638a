#include <thread>

#include "common/base/bytes.h"
#include "tests/unit/common/rpc/test_server.h"

namespace crm {
namespace {

using ::testing::HasSubstr;

constexpr char kHealthCheck[] = "/grpc.health.v1.Health/Check";
constexpr char kHealthWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// HealthCheckRequest{service = 1}.
std::string HealthRequest(const std::string& service) {
  std::string out = "\x0a";
  AppendSized(&out, service);
  return out;
}
// HealthCheckResponse{status = 1}: 1 serving, 2 not, 3 unknown.
constexpr char kServing[] = "\x08\x01";
constexpr char kNotServing[] = "\x08\x02";
constexpr char kServiceUnknown[] = "\x08\x03";

TEST(Health, FollowsSetServingForEveryService) {
  TestServer server;
  server.Start();
  for (const std::string& name :
       {std::string(), ContactService()->full_name(), AdminService()->full_name()}) {
    server.server().SetServing(false);
    EXPECT_EQ(Invoke(server, kHealthCheck, HealthRequest(name)).response, kNotServing) << name;
    server.server().SetServing(true);
    EXPECT_EQ(Invoke(server, kHealthCheck, HealthRequest(name)).response, kServing) << name;
  }
  EXPECT_EQ(Invoke(server, kHealthCheck, HealthRequest("no.Such")).status.code(),
            absl::StatusCode::kNotFound);
}

TEST(Health, NotServingUntilTold) {
  SystemClock clock;
  RpcServerOptions options;
  options.listen = "127.0.0.1:0";
  RpcServer server(options, clock, nullptr);
  ASSERT_TRUE(server.Start().ok());
  grpc::GenericStub stub(grpc::CreateChannel("127.0.0.1:" + std::to_string(server.port()),
                                             grpc::InsecureChannelCredentials()));
  EXPECT_EQ(ClientCall(stub, kHealthCheck, HealthRequest("")).Wait().response, kNotServing);
}

TEST(Health, WatchTellsEveryChange) {
  TestServer server;
  server.Start();
  ClientStream stream(*server.stub, kHealthWatch);
  ASSERT_TRUE(stream.Write(HealthRequest(ContactService()->full_name())));
  std::string state;
  ASSERT_TRUE(stream.Read(&state));
  EXPECT_EQ(state, kServing);
  for (int i = 0; i < 10; ++i) {
    server.server().SetServing(false);
    ASSERT_TRUE(stream.Read(&state));
    EXPECT_EQ(state, kNotServing);
    server.server().SetServing(true);
    ASSERT_TRUE(stream.Read(&state));
    EXPECT_EQ(state, kServing);
  }
  ClientStream unknown(*server.stub, kHealthWatch);
  ASSERT_TRUE(unknown.Write(HealthRequest("no.Such")));
  ASSERT_TRUE(unknown.Read(&state));
  EXPECT_EQ(state, kServiceUnknown);
  server.server().Shutdown(kPatience);
  ASSERT_TRUE(stream.Read(&state));
  EXPECT_EQ(state, kNotServing);
  EXPECT_FALSE(stream.Read(&state));
}

TEST(Health, IsAnsweredUnderLoadAndWhileStopping) {
  RpcServerOptions options;
  options.max_in_flight = 1;
  TestServer server(options);
  HeldCalls held;
  server.unary = held.Hold();
  server.Start();
  ClientCall call(*server.stub, kGet, "x");
  ASSERT_TRUE(held.WaitFor(1));
  EXPECT_EQ(Invoke(server, kHealthCheck, "").response, kServing);
  std::thread stopper([&] { server.server().Shutdown(kPatience); });
  Reply reply;
  do {
    reply = Invoke(server, kHealthCheck, "");
    ASSERT_TRUE(reply.status.ok()) << reply.status;
  } while (reply.response != kNotServing);
  held.Take().front()->Finish(Answer{"answered", ""});
  EXPECT_EQ(call.Wait().response, "answered");
  stopper.join();
}

TEST(Reflection, ListsAndDescribesTheServices) {
  TestServer server;
  server.Start();
  ClientStream stream(*server.stub, kReflection);
  std::string list = "\x3a";  // list_services = 7
  AppendSized(&list, "*");
  std::string symbol = "\x22";  // file_containing_symbol = 4
  AppendSized(&symbol, "crm.contact.v1.ContactService");
  std::string response;
  ASSERT_TRUE(stream.Write(list));
  ASSERT_TRUE(stream.Read(&response));
  EXPECT_THAT(response, HasSubstr("crm.contact.v1.ContactService"));
  EXPECT_THAT(response, HasSubstr("crm.admin.v1.AdminService"));
  EXPECT_THAT(response, HasSubstr("grpc.health.v1.Health"));
  ASSERT_TRUE(stream.Write(symbol));
  ASSERT_TRUE(stream.Read(&response));
  EXPECT_THAT(response, HasSubstr("UpsertContactRequest"));
}

TEST(Start, TakenPortIsRefusedWithTheRemedy) {
  TestServer first;
  first.Start();
  SystemClock clock;
  RpcServerOptions options;
  options.listen = "127.0.0.1:" + std::to_string(first.server().port());
  RpcServer second(options, clock, nullptr);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(options.listen));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--listen"));
}

TEST(Shutdown, WithoutCallsEndsAndMayBeRepeated) {
  TestServer server;
  server.Start();
  server.server().Shutdown(kSecond);
  server.server().Shutdown(kSecond);
}

TEST(Shutdown, AnswersWhatWasAcceptedAndTurnsAwayTheRest) {
  TestServer server;
  HeldCalls held;
  server.unary = held.Hold();
  server.Start();
  ClientCall accepted(*server.stub, kGet, "accepted");
  ASSERT_TRUE(held.WaitFor(1));
  std::thread stopper([&] { server.server().Shutdown(kPatience); });
  // Turned away as soon as the server stops; before that a call is accepted and held.
  std::vector<std::unique_ptr<ClientCall>> others;
  absl::Status last;
  for (int i = 0; i < 100000 && last.ok(); ++i) {
    auto call = std::make_unique<ClientCall>(*server.stub, kGet, "other", Pairs{}, kSecond / 5);
    const Reply reply = call->Wait();
    if (reply.status.code() == absl::StatusCode::kUnavailable) last = reply.status;
  }
  EXPECT_EQ(ReasonOf(last), "SERVER_STOPPING");
  EXPECT_TRUE(last.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  for (auto& call : held.Take()) call->Finish(Answer{"answered", ""});
  EXPECT_EQ(accepted.Wait().response, "answered");
  stopper.join();
}

TEST(Shutdown, UnderLoadEveryAcceptedCallIsAnswered) {
  for (int round = 0; round < 3; ++round) {
    RpcServerOptions options;
    options.completion_threads = 1 + round % 2;
    TestServer server(options);
    HeldCalls held;
    std::atomic<int> accepted{0};
    server.unary = [&, hold = held.Hold()](std::unique_ptr<UnaryCall> call) {
      ++accepted;
      hold(std::move(call));
    };
    server.Start();
    std::atomic<bool> stopped{false};
    std::thread worker([&] {
      for (;;) {
        const bool last = stopped.load();
        for (auto& call : held.Take()) call->Finish(Answer{"done", ""});
        if (last) return;
        std::this_thread::yield();
      }
    });
    std::atomic<int> answered{0};
    std::atomic<int> refused{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        grpc::GenericStub stub(server.NewChannel());
        for (;;) {
          const Reply reply = ClientCall(stub, kGet, "x").Wait();
          if (reply.status.ok()) {
            ++answered;
          } else if (ReasonOf(reply.status) == "SERVER_STOPPING") {
            ++refused;
            return;
          } else {
            // Not taken by the server at all: ended by the transport.
            ++lost;
            return;
          }
        }
      });
    }
    while (answered.load() < 500) std::this_thread::yield();
    server.server().Shutdown(kPatience);
    stopped = true;
    for (auto& client : clients) client.join();
    worker.join();
    EXPECT_EQ(answered, accepted);
    EXPECT_EQ(refused + lost, 4);
    EXPECT_EQ(server.observer.started, server.observer.handled);
  }
}

TEST(Shutdown, CutsOffWhatIsNotAnsweredInTime) {
  auto server = std::make_unique<TestServer>();
  HeldCalls held;
  server->unary = held.Hold();
  server->batch = held.Hold();
  server->Start();
  ClientCall call(*server->stub, kGet, "x");
  ClientStream stream(*server->stub, kImport);
  ASSERT_TRUE(stream.Write("\x08\x07\x12\x01x"));
  ASSERT_TRUE(held.WaitFor(2));
  server->server().Shutdown(0);
  const Reply reply = call.Wait();
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(reply.status), "SERVER_STOPPED");
  EXPECT_FALSE(stream.Finish().status.ok());
  auto calls = held.Take();
  server.reset();
  // The server is gone; its calls may still be answered, to nobody.
  EXPECT_FALSE(std::string(calls[0]->request()).empty());
  for (auto& late : calls) late->Finish(Answer{"late", "position"});
}

}  // namespace
}  // namespace crm
