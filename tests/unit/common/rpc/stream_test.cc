#include <thread>

#include "tests/unit/common/rpc/test_server.h"

namespace crm {
namespace {

// Sends the request of a server-streaming call.
void Ask(ClientStream* stream, const std::string& request) {
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->WritesDone());
}

TEST(ServerStream, AnswersInOrderThenStatus) {
  TestServer server;
  server.stream = [](StreamCall& call) {
    for (int i = 0; i < 1000; ++i) {
      if (!call.Write(std::string(call.request()) + std::to_string(i))) break;
    }
    return Error(absl::StatusCode::kDataLoss, "LOG_DAMAGED", "that is all");
  };
  server.Start();
  ClientStream stream(*server.stub, kReadLog);
  Ask(&stream, "r");
  std::string bytes;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(stream.Read(&bytes));
    EXPECT_EQ(bytes, "r" + std::to_string(i));
  }
  EXPECT_FALSE(stream.Read(&bytes));
  EXPECT_EQ(ReasonOf(stream.Finish().status), "LOG_DAMAGED");
}

TEST(ServerStream, WriteWaitsForASlowClient) {
  TestServer server;
  std::atomic<int> written{0};
  constexpr int kMessages = 400;
  server.stream = [&](StreamCall& call) {
    for (int i = 0; i < kMessages; ++i) {
      if (!call.Write(std::string(100'000, 'x'))) return absl::CancelledError("gone");
      ++written;
    }
    return absl::OkStatus();
  };
  server.Start();
  ClientStream stream(*server.stub, kReadLog);
  Ask(&stream, "");
  std::string bytes;
  int read = 0;
  int most_ahead = 0;
  while (stream.Read(&bytes)) most_ahead = std::max(most_ahead, written.load() - ++read);
  EXPECT_EQ(read, kMessages);
  EXPECT_LT(most_ahead, 200);
  EXPECT_TRUE(stream.Finish().status.ok());
}

TEST(ServerStream, CancelEndsABlockedWrite) {
  TestServer server;
  std::atomic<bool> ended{false};
  server.stream = [&](StreamCall& call) {
    while (call.Write(std::string(100'000, 'x'))) {
    }
    EXPECT_TRUE(call.gone());
    ended = true;
    return absl::CancelledError("gone");
  };
  server.Start();
  {
    ClientStream stream(*server.stub, kReadLog);
    Ask(&stream, "");
    std::string bytes;
    ASSERT_TRUE(stream.Read(&bytes));
  }
  server.server().Shutdown(kPatience);
  EXPECT_TRUE(ended);
}

TEST(ServerStream, MoreThanTheLimitAreShed) {
  RpcServerOptions options;
  options.max_streams = 1;
  TestServer server(options);
  server.stream = [&](StreamCall& call) {
    call.Write("begun");
    while (!call.gone()) std::this_thread::yield();
    return absl::OkStatus();
  };
  server.Start();
  ClientStream first(*server.stub, kReadLog);
  Ask(&first, "");
  std::string bytes;
  ASSERT_TRUE(first.Read(&bytes));
  ClientStream second(*server.stub, kReadLog);
  second.Write("");
  const Reply shed = second.Finish();
  EXPECT_EQ(shed.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(shed.status), "TOO_MANY_IN_FLIGHT");
}

TEST(ServerStream, StopIsSeenAndNotTakenForTheEnd) {
  TestServer server;
  server.stream = [&](StreamCall& call) {
    call.Write("begun");
    while (!call.gone()) std::this_thread::yield();
    return absl::OkStatus();
  };
  server.Start();
  ClientStream stream(*server.stub, kReadLog);
  Ask(&stream, "");
  std::string bytes;
  ASSERT_TRUE(stream.Read(&bytes));
  std::thread stopper([&] { server.server().Shutdown(kPatience); });
  EXPECT_FALSE(stream.Read(&bytes));
  EXPECT_EQ(ReasonOf(stream.Finish().status), "SERVER_STOPPING");
  stopper.join();
}

TEST(ServerStream, BadMetadataIsRefused) {
  TestServer server;
  server.Start();
  ClientStream stream(*server.stub, kReadLog, {{"crm-consistency", "weak"}});
  stream.Write("");
  EXPECT_EQ(stream.Finish().status.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace crm
