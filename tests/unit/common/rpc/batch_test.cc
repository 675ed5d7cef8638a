#include <random>
#include <set>
#include <thread>

#include "common/rpc/batch_item.h"
#include "crm/common/v1/batch.pb.h"
#include "tests/support/test_seed.h"
#include "tests/unit/common/rpc/test_server.h"

namespace crm {
namespace {

std::string Item(int64_t row, const std::string& command) {
  common::v1::BatchItem item;
  item.set_row(row);
  item.set_command(command);
  return item.SerializeAsString();
}

common::v1::BatchResult Result(const std::string& bytes) {
  common::v1::BatchResult result;
  EXPECT_TRUE(result.ParseFromString(bytes));
  return result;
}

TEST(BatchItemBytes, AreReadTolerantly) {
  BatchItemView item = ReadBatchItem(Item(7, "command"));
  EXPECT_TRUE(item.sound);
  EXPECT_EQ(item.row, 7);
  EXPECT_EQ(item.command, "command");
  EXPECT_TRUE(ReadBatchItem("").sound);
  EXPECT_EQ(ReadBatchItem(Item(-1, "")).row, -1);
  item = ReadBatchItem(Item(9, "command").substr(0, 5));
  EXPECT_FALSE(item.sound);
  EXPECT_EQ(item.row, 9);
  EXPECT_FALSE(ReadBatchItem("\xff\xff").sound);
  // `command` as a varint.
  EXPECT_FALSE(ReadBatchItem(std::string("\x08\x01\x10\x05", 4)).sound);
}

TEST(BatchItemBytes, PiecesOfACommandConcatenate) {
  const BatchItemView item = ReadBatchItem(Item(1, "ab") + Item(2, "cd") + Item(3, "ef"));
  EXPECT_TRUE(item.sound);
  EXPECT_EQ(item.row, 3);
  EXPECT_EQ(item.joined, "abcdef");
}

TEST(BatchItemBytes, RowsOfAnImportHaveRequestIds) {
  contact::v1::UpsertContactRequest command;
  constexpr int kField = contact::v1::UpsertContactRequest::kRequestIdFieldNumber;
  const auto named = [&](const std::string& bytes, std::string_view import_id) {
    const std::string sent = Item(7, bytes);
    BatchItemView item = ReadBatchItem(sent);
    NameRequest(&item, import_id, kField);
    return std::string(item.joined.empty() ? item.command : item.joined);
  };
  command.mutable_contact()->set_given_name("Ada");
  const std::string plain = command.SerializeAsString();
  ASSERT_TRUE(command.ParseFromString(named(plain, "spring")));
  EXPECT_EQ(command.request_id(), "spring-7");
  EXPECT_EQ(command.contact().given_name(), "Ada");
  EXPECT_EQ(named(plain, ""), plain);
  command.set_request_id("own");
  EXPECT_EQ(named(command.SerializeAsString(), "spring"), command.SerializeAsString());
  // Cut off: nothing that follows may mend it.
  const std::string cut = plain.substr(0, plain.size() - 1);
  EXPECT_EQ(named(cut, "spring"), cut);
}

TEST(BatchStream, ImportIdHoldsForTheItemsThatFollow) {
  TestServer server;
  server.batch = [](std::unique_ptr<UnaryCall> call) {
    contact::v1::UpsertContactRequest command;
    EXPECT_TRUE(command.ParseFromString(std::string(call->request())));
    call->Finish(Answer{command.request_id(), ""});
  };
  server.Start();
  ClientStream stream(*server.stub, kImport, {});
  std::string bytes;
  const auto sent = [&](int64_t row, const std::string& import_id) {
    common::v1::BatchItem item;
    item.set_row(row);
    item.set_import_id(import_id);
    EXPECT_TRUE(stream.Write(item.SerializeAsString()));
    EXPECT_TRUE(stream.Read(&bytes));
    return Result(bytes);
  };
  EXPECT_EQ(sent(1, "").result(), "");
  EXPECT_EQ(sent(2, "spring").result(), "spring-2");
  EXPECT_EQ(sent(3, "").result(), "spring-3");
  EXPECT_EQ(sent(4, "autumn").result(), "autumn-4");
  EXPECT_EQ(sent(5, std::string(101, 'x')).error().code(), 3);
  ASSERT_TRUE(stream.WritesDone());
  EXPECT_FALSE(stream.Read(&bytes));
  EXPECT_EQ(stream.Finish().status.code(), absl::StatusCode::kOk);
}

TEST(BatchStream, EachItemIsACallOfItsOwn) {
  TestServer server;
  server.batch = [](std::unique_ptr<UnaryCall> call) {
    EXPECT_EQ(call->context().caller.tenant, "acme");
    EXPECT_GT(call->context().deadline, 0);
    if (call->request() == "bad") {
      return call->Finish(InvalidField("contact.name", "must be a name"));
    }
    call->Finish(
        Answer{"done " + std::string(call->request()), "p-" + std::string(call->request())});
  };
  server.Start();
  ClientStream stream(*server.stub, kImport, {{"crm-tenant", "acme"}});
  std::string bytes;
  ASSERT_TRUE(stream.Write(Item(1, "a")));
  ASSERT_TRUE(stream.Read(&bytes));
  EXPECT_EQ(Result(bytes).row(), 1);
  EXPECT_EQ(Result(bytes).result(), "done a");
  EXPECT_FALSE(Result(bytes).has_error());
  ASSERT_TRUE(stream.Write(Item(2, "bad")));
  ASSERT_TRUE(stream.Read(&bytes));
  EXPECT_EQ(Result(bytes).row(), 2);
  EXPECT_EQ(Result(bytes).error().code(), 3);
  EXPECT_EQ(Result(bytes).error().details_size(), 2);
  ASSERT_TRUE(stream.Write(Item(3, "c").substr(0, 4)));
  ASSERT_TRUE(stream.Read(&bytes));
  EXPECT_EQ(Result(bytes).row(), 3);
  EXPECT_EQ(Result(bytes).error().code(), 3);
  ASSERT_TRUE(stream.Write(Item(4, "d")));
  ASSERT_TRUE(stream.Read(&bytes));
  ASSERT_TRUE(stream.WritesDone());
  EXPECT_FALSE(stream.Read(&bytes));
  const Reply end = stream.Finish();
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(end.position, "p-d");
}

TEST(BatchStream, WithoutItemsEndsWell) {
  TestServer server;
  server.Start();
  ClientStream stream(*server.stub, kImport);
  ASSERT_TRUE(stream.WritesDone());
  EXPECT_TRUE(stream.Finish().status.ok());
}

TEST(BatchStream, BadMetadataEndsTheStream) {
  TestServer server;
  server.Start();
  ClientStream stream(*server.stub, kImport, {{"crm-tenant", "A"}});
  EXPECT_EQ(stream.Finish().status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(BatchStream, ManyItemsInRandomOrderWithASlowReader) {
  constexpr int kItems = 2000;
  RpcServerOptions options;
  options.batch_window = 64;
  TestServer server(options);
  HeldCalls held;
  std::atomic<int> open{0};
  std::atomic<int> most{0};
  server.batch = [&, hold = held.Hold()](std::unique_ptr<UnaryCall> call) {
    const int now = ++open;
    if (now > most) most = now;
    hold(std::move(call));
  };
  server.Start();
  const unsigned seed = TestSeed();
  std::atomic<bool> done{false};
  std::thread worker([&] {
    std::mt19937 random(seed);
    while (!done) {
      auto calls = held.Take();
      std::shuffle(calls.begin(), calls.end(), random);
      for (auto& call : calls) {
        --open;
        call->Finish(Answer{std::string(call->request()), "position"});
      }
      std::this_thread::yield();
    }
  });
  ClientStream stream(*server.stub, kImport);
  std::thread writer([&] {
    for (int i = 0; i < kItems; ++i)
      ASSERT_TRUE(stream.Write(Item(i, std::to_string(i) + std::string(200, '.'))));
    ASSERT_TRUE(stream.WritesDone());
  });
  std::set<int64_t> rows;
  std::string bytes;
  while (stream.Read(&bytes)) {
    const auto result = Result(bytes);
    EXPECT_EQ(result.result(), std::to_string(result.row()) + std::string(200, '.'));
    rows.insert(result.row());
    // A reader that is slower than the server now and then.
    for (int i = 0; rows.size() % 50 == 0 && i < 20; ++i) std::this_thread::yield();
  }
  const Reply end = stream.Finish();
  done = true;
  writer.join();
  worker.join();
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(rows.size(), kItems);
  EXPECT_LE(most, options.batch_window);
}

TEST(BatchStream, ClientThatDoesNotReadIsNotReadFrom) {
  RpcServerOptions options;
  options.batch_window = 8;
  TestServer server(options);
  std::atomic<int> items{0};
  server.batch = [&](std::unique_ptr<UnaryCall> call) {
    ++items;
    call->Finish(Answer{std::string(100'000, 'x'), ""});
  };
  server.Start();
  ClientStream stream(*server.stub, kImport);
  constexpr int kItems = 400;
  std::thread writer([&] {
    for (int i = 0; i < kItems; ++i) {
      if (!stream.Write(Item(i, std::string(10'000, 'c')))) return;
    }
    stream.WritesDone();
  });
  int results = 0;
  int most_ahead = 0;
  std::string bytes;
  while (stream.Read(&bytes)) {
    most_ahead = std::max(most_ahead, items.load() - ++results);
  }
  writer.join();
  EXPECT_EQ(results, kItems);
  // The window, and what fits into the buffers of the transport.
  EXPECT_LT(most_ahead, 200);
  EXPECT_TRUE(stream.Finish().status.ok());
}

TEST(BatchStream, ItemsAboveTheLimitAreShed) {
  RpcServerOptions options;
  options.max_in_flight = 2;
  TestServer server(options);
  HeldCalls held;
  server.batch = held.Hold();
  server.Start();
  ClientStream stream(*server.stub, kImport);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream.Write(Item(i, "x")));
  std::string bytes;
  ASSERT_TRUE(stream.Read(&bytes));
  EXPECT_EQ(Result(bytes).row(), 2);
  EXPECT_EQ(Result(bytes).error().code(), 8);
  for (auto& call : held.Take()) call->Finish(Answer{});
  ASSERT_TRUE(stream.Read(&bytes));
  ASSERT_TRUE(stream.Read(&bytes));
}

TEST(BatchStream, CancelledStreamFreesItselfWhileItemsAreHeld) {
  TestServer server;
  HeldCalls held;
  server.batch = held.Hold();
  server.Start();
  for (int i = 0; i < 20; ++i) {
    auto stream = std::make_unique<ClientStream>(*server.stub, kImport);
    for (int row = 0; row < 5; ++row) ASSERT_TRUE(stream->Write(Item(row, "x")));
    ASSERT_TRUE(held.WaitFor(5));
    auto calls = held.Take();
    calls[0]->Finish(Answer{"one", ""});
    stream.reset();
    for (auto& call : calls) call->Finish(Answer{"late", ""});
  }
}

TEST(BatchStream, StopAnswersItemsReadAndSaysSo) {
  TestServer server;
  HeldCalls held;
  server.batch = held.Hold();
  server.Start();
  ClientStream stream(*server.stub, kImport);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream.Write(Item(i, "x")));
  ASSERT_TRUE(held.WaitFor(3));
  std::thread stopper([&] { server.server().Shutdown(kPatience); });
  while (server.observer.shed == 0) {
    ClientCall(*server.stub, kGet, "x", {}, kSecond).Wait();
  }
  for (auto& call : held.Take()) call->Finish(Answer{"done", "p"});
  std::string bytes;
  int done = 0;
  while (stream.Read(&bytes)) done += Result(bytes).result() == "done" ? 1 : 0;
  EXPECT_EQ(done, 3);
  const Reply end = stream.Finish();
  EXPECT_EQ(end.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(end.status), "SERVER_STOPPING");
  stopper.join();
}

}  // namespace
}  // namespace crm
