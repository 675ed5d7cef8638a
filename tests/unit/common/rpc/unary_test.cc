#include <grpcpp/support/byte_buffer.h>

#include <random>
#include <thread>

#include "common/rpc/validate.h"
#include "tests/support/test_seed.h"
#include "tests/unit/common/rpc/test_server.h"

namespace crm {
namespace {

using ::testing::HasSubstr;

std::string GetRequest(const std::string& name) {
  contact::v1::GetContactRequest request;
  request.set_name(name);
  return request.SerializeAsString();
}

TEST(UnaryCalls, AnswerRequestBytesAndPosition) {
  TestServer server;
  server.Start();
  const Reply reply = Invoke(server, kGet, "any bytes", {{"crm-tenant", "acme"}});
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.response, "any bytes");
  EXPECT_EQ(reply.position, "position-acme");
  EXPECT_EQ(server.observer.started, 1);
  EXPECT_EQ(server.observer.handled, 1);
}

TEST(UnaryCalls, EmptyAndLargeMessagesPass) {
  TestServer server;
  server.Start();
  EXPECT_EQ(Invoke(server, kGet, "").response, "");
  EXPECT_TRUE(Invoke(server, kGet, "").status.ok());
  const std::string large((4 << 20) - 1024, 'x');
  EXPECT_EQ(Invoke(server, kGet, large).response, large);
}

TEST(UnaryCalls, OversizedMessageIsRefusedByTheTransport) {
  RpcServerOptions options;
  options.max_message_bytes = 1000;
  TestServer server(options);
  server.Start();
  EXPECT_EQ(Invoke(server, kGet, std::string(1001, 'x')).status.code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Invoke(server, kGet, std::string(1000, 'x')).status.ok());
}

TEST(UnaryCalls, OversizedMetadataIsRefusedByTheTransport) {
  TestServer server;
  server.Start();
  const Reply reply = Invoke(server, kGet, "", {{"crm-correlation", std::string(9000, 'x')}});
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kResourceExhausted) << reply.status;
  // The transport may close the offender's connection with it.
  grpc::GenericStub stub(server.NewChannel());
  const Reply next = ClientCall(stub, kGet, "").Wait();
  EXPECT_TRUE(next.status.ok()) << next.status;
}

TEST(UnaryCalls, UnknownMethodIsUnimplementedWithDetails) {
  TestServer server;
  server.Start();
  for (const char* method : {"/crm.contact.v1.ContactService/Nonsense", "/no.Service/At", "/x"}) {
    const Reply reply = Invoke(server, method, "");
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kUnimplemented) << method;
    EXPECT_EQ(ReasonOf(reply.status), "METHOD_UNKNOWN") << method;
  }
}

TEST(UnaryCalls, ErrorsCarryDetailsAlways) {
  TestServer server;
  server.unary = [](std::unique_ptr<UnaryCall> call) {
    if (call->request() == "bare") return call->Finish(absl::NotFoundError("nothing \xff here"));
    FieldFaults faults;
    faults.Add("contact.emails[2]", "must be an e-mail address");
    call->Finish(faults.ToStatus());
  };
  server.Start();
  const Reply bare = Invoke(server, kGet, "bare");
  EXPECT_EQ(bare.status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(bare.status), "NOT_FOUND");
  EXPECT_EQ(bare.status.message(), "nothing ? here");
  const Reply faulty = Invoke(server, kGet, "");
  EXPECT_EQ(ReasonOf(faulty.status), "INVALID_FIELD");
  google::rpc::BadRequest bad;
  const auto payload = faulty.status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  ASSERT_TRUE(payload && bad.ParseFromString(std::string(*payload)));
  EXPECT_EQ(bad.field_violations(0).field(), "contact.emails[2]");
}

TEST(UnaryCalls, LargestErrorStillReachesTheClient) {
  TestServer server;
  server.unary = [](std::unique_ptr<UnaryCall> call) {
    FieldFaults faults;
    for (int i = 0; i < 1000; ++i)
      faults.Add("contact.emails[" + std::to_string(i) + "]", "bad \xc3\xa4");
    call->Finish(absl::Status(faults.ToStatus()));
  };
  server.Start();
  const Reply reply = Invoke(server, kGet, "");
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(reply.status), "INVALID_FIELD");
}

TEST(UnaryCalls, HostileRequestsAreRefusedPrecisely) {
  TestServer server;
  server.unary = [](std::unique_ptr<UnaryCall> call) {
    contact::v1::CreateContactRequest request;
    absl::Status checked = ParseAndValidate(call->request(), &request);
    if (!checked.ok()) return call->Finish(checked);
    call->Finish(Answer{request.SerializeAsString(), ""});
  };
  server.Start();
  contact::v1::CreateContactRequest request;
  request.mutable_contact()->set_display_name("Ada");
  request.mutable_contact()->add_emails("ada@example.org");
  const std::string sound = request.SerializeAsString();
  EXPECT_TRUE(Invoke(server, kCreate, sound).status.ok());
  std::mt19937 random(TestSeed());
  for (int i = 0; i < 300; ++i) {
    std::string bad = sound.substr(0, random() % (sound.size() + 1));
    for (int flips = static_cast<int>(random() % 3); flips > 0 && !bad.empty(); --flips) {
      bad[random() % bad.size()] = static_cast<char>(random());
    }
    const Reply reply = Invoke(server, kCreate, bad);
    if (reply.status.ok()) continue;
    EXPECT_EQ(reply.status.code(), absl::StatusCode::kInvalidArgument) << reply.status;
    EXPECT_FALSE(ReasonOf(reply.status).empty());
  }
}

TEST(UnaryCalls, MetadataFaultsNameTheKey) {
  TestServer server;
  server.Start();
  const Reply reply =
      Invoke(server, kGet, "", {{"crm-tenant", "Acme!"}, {"crm-consistency", "maybe"}});
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(reply.status.message()), HasSubstr("metadata crm-"));
}

TEST(UnaryCalls, DroppedCallAnswersInternal) {
  TestServer server;
  server.unary = [](std::unique_ptr<UnaryCall>) {};
  server.Start();
  const Reply reply = Invoke(server, kGet, "");
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(reply.status), "CALL_DROPPED");
}

TEST(UnaryCalls, OnlyTheFirstAnswerCounts) {
  TestServer server;
  server.unary = [](std::unique_ptr<UnaryCall> call) {
    call->Finish(Answer{"first", ""});
    call->Finish(Answer{"second", ""});
    EXPECT_EQ(call->request(), "request");
  };
  server.Start();
  for (int i = 0; i < 300; ++i) EXPECT_EQ(Invoke(server, kGet, "request").response, "first");
}

TEST(UnaryCalls, DeadlineIsTheClientsButNotLongerThanTheDefault) {
  RpcServerOptions options;
  options.default_deadline = 30 * kSecond;
  TestServer server(options);
  SystemClock clock;
  std::atomic<TimeNs> left{0};
  server.unary = [&](std::unique_ptr<UnaryCall> call) {
    left = call->context().deadline - clock.Monotonic();
    call->Finish(Answer{});
  };
  server.Start();
  EXPECT_TRUE(ClientCall(*server.stub, kGet, "", {}, 0).Wait().status.ok());
  EXPECT_GT(left, 10 * kSecond);
  EXPECT_LE(left, 30 * kSecond);
  EXPECT_TRUE(ClientCall(*server.stub, kGet, "", {}, 3600 * kSecond).Wait().status.ok());
  EXPECT_LE(left, 30 * kSecond);
  EXPECT_TRUE(ClientCall(*server.stub, kGet, "", {}, 8 * kSecond).Wait().status.ok());
  // The wire format of a timeout rounds up.
  EXPECT_LE(left, 9 * kSecond);
}

TEST(UnaryCalls, ExcessIsShedWithRetryInfo) {
  RpcServerOptions options;
  options.max_in_flight = 2;
  TestServer server(options);
  HeldCalls held;
  server.unary = held.Hold();
  server.Start();
  ClientCall first(*server.stub, kGet, "1");
  ClientCall second(*server.stub, kGet, "2");
  ASSERT_TRUE(held.WaitFor(2));
  const Reply shed = Invoke(server, kGet, "3");
  EXPECT_EQ(shed.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(shed.status), "TOO_MANY_IN_FLIGHT");
  EXPECT_TRUE(shed.status.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  EXPECT_EQ(server.observer.shed, 1);
  for (auto& call : held.Take()) call->Finish(Answer{"late", ""});
  EXPECT_EQ(first.Wait().response, "late");
  EXPECT_EQ(second.Wait().response, "late");
  ClientCall third(*server.stub, kGet, "3");
  ASSERT_TRUE(held.WaitFor(1));
}

TEST(UnaryCalls, CancelledCallCanBeAnswered) {
  TestServer server;
  HeldCalls held;
  server.unary = held.Hold();
  server.Start();
  for (int i = 0; i < 50; ++i) {
    ClientCall call(*server.stub, kGet, "x");
    ASSERT_TRUE(held.WaitFor(1));
    call.context.TryCancel();
    EXPECT_EQ(call.Wait().status.code(), absl::StatusCode::kCancelled);
    auto calls = held.Take();
    calls.front()->Finish(Answer{"nobody hears", "position"});
  }
}

TEST(UnaryCalls, AnswersComeFromAnyThread) {
  RpcServerOptions options;
  options.completion_threads = 2;
  TestServer server(options);
  HeldCalls held;
  server.unary = held.Hold();
  server.Start();
  constexpr int kThreads = 4;
  constexpr int kCalls = 2000;
  std::atomic<int> left{kCalls};
  std::vector<std::thread> workers;
  for (int i = 0; i < kThreads; ++i) {
    workers.emplace_back([&] {
      while (left.load() > 0) {
        for (auto& call : held.Take()) {
          call->Finish(Answer{std::string(call->request()), ""});
          --left;
        }
        std::this_thread::yield();
      }
    });
  }
  std::vector<std::unique_ptr<ClientCall>> calls;
  for (int i = 0; i < kCalls; ++i) {
    calls.push_back(
        std::make_unique<ClientCall>(*server.stub, kGet, GetRequest(std::to_string(i))));
  }
  for (int i = 0; i < kCalls; ++i) {
    const Reply reply = calls[i]->Wait();
    ASSERT_TRUE(reply.status.ok()) << reply.status;
    EXPECT_EQ(reply.response, GetRequest(std::to_string(i)));
  }
  for (auto& worker : workers) worker.join();
}

}  // namespace
}  // namespace crm
