#include "tools/crmctl/batch_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/rpc/server.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace crm::crmctl {
namespace {

using contact::v1::UpsertContactRequest;
using contact::v1::UpsertContactResponse;

// A server of ImportContacts that answers each row as the test says, from the network's own thread
// or later.
class ImportServer {
 public:
  using Handle = std::function<void(std::unique_ptr<UnaryCall>, const UpsertContactRequest&)>;

  ImportServer(Handle handle, int port) : handle_(std::move(handle)) {
    RpcServerOptions options;
    options.listen = "127.0.0.1:" + std::to_string(port);
    server_ = std::make_unique<RpcServer>(options, clock_, nullptr);
    const auto* service =
        UpsertContactRequest::descriptor()->file()->FindServiceByName("ContactService");
    server_->AddService(service);
    for (int i = 0; i < service->method_count(); ++i) {
      const auto* method = service->method(i);
      if (method->client_streaming()) {
        server_->AddBatch(service, method->name(), [this](std::unique_ptr<UnaryCall> call) {
          UpsertContactRequest request;
          EXPECT_TRUE(request.ParseFromString(std::string(call->request())));
          handle_(std::move(call), request);
        });
      } else {
        server_->AddUnary(service, method->name(), [](std::unique_ptr<UnaryCall> call) {
          call->Finish(absl::UnimplementedError("not part of the test"));
        });
      }
    }
    EXPECT_TRUE(server_->Start().ok());
  }

  int port() const { return server_->port(); }
  void Stop() { server_->Shutdown(10 * kSecond); }

 private:
  SystemClock clock_;
  Handle handle_;
  std::unique_ptr<RpcServer> server_;
};

Answer Created() {
  UpsertContactResponse response;
  response.set_outcome(UpsertContactResponse::CREATED);
  return {response.SerializeAsString(), ""};
}

// Rows 1 to n; the key of row i is key(i).
BatchImport::Source Rows(int64_t n, std::function<std::string(int64_t)> key) {
  auto next = std::make_shared<int64_t>(1);
  return [n, next, key]() -> std::optional<BatchImport::Item> {
    if (*next > n) return std::nullopt;
    BatchImport::Item item;
    item.row = (*next)++;
    item.key = key(item.row);
    UpsertContactRequest command;
    command.mutable_contact()->mutable_external_key()->set_source("test");
    command.mutable_contact()->mutable_external_key()->set_key(item.key);
    command.set_request_id("r-" + std::to_string(item.row));
    item.command = command.SerializeAsString();
    return item;
  };
}

struct Results {
  std::map<int64_t, absl::Status> by_row;
  int64_t twice = 0;

  std::function<void(const BatchImport::Result&)> Each() {
    return [this](const BatchImport::Result& result) {
      if (!by_row.emplace(result.row, result.status).second) ++twice;
    };
  }
};

class BatchImportTest : public ::testing::Test {
 protected:
  absl::Status Import(int port, const BatchImport::Source& source, int in_flight = 16,
                      TimeNs patience = 60 * kSecond) {
    RpcTarget target;
    target.address = "127.0.0.1:" + std::to_string(port);
    RpcClient client(target);
    BatchImport::Options options;
    options.method = "/crm.contact.v1.ContactService/ImportContacts";
    options.in_flight = in_flight;
    options.patience = patience;
    BatchImport import(client, clock_, options);
    return import.Run(source, results_.Each());
  }

  SystemClock clock_;
  Results results_;
};

std::string KeyOfRow(int64_t row) {
  return std::to_string(row);
}

TEST_F(BatchImportTest, EveryRowHasOneResultAndAFailedOneDoesNotStopTheOthers) {
  ImportServer server(
      [](std::unique_ptr<UnaryCall> call, const UpsertContactRequest& request) {
        if (request.contact().external_key().key() == "7") {
          return call->Finish(InvalidField("contact.emails[0]", "is no e-mail address"));
        }
        call->Finish(Created());
      },
      0);
  ASSERT_TRUE(Import(server.port(), Rows(1000, KeyOfRow)).ok());
  EXPECT_EQ(results_.by_row.size(), 1000u);
  EXPECT_EQ(results_.twice, 0);
  for (const auto& [row, status] : results_.by_row) EXPECT_EQ(status.ok(), row != 7);
  EXPECT_EQ(ReasonOf(results_.by_row.at(7)), "INVALID_FIELD");
}

TEST_F(BatchImportTest, NoRowsNeedNoServer) {
  EXPECT_TRUE(Import(1, Rows(0, KeyOfRow)).ok());
}

TEST_F(BatchImportTest, ShedRowsAreSentAgain) {
  Mutex mutex;
  std::map<std::string, int> tries;
  ImportServer server(
      [&](std::unique_ptr<UnaryCall> call, const UpsertContactRequest& request) {
        MutexLock lock(mutex);
        const int nth = ++tries[request.request_id()];
        lock.Unlock();
        if (nth == 1) {
          return call->Finish(
              RetryLater(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "later", 5));
        }
        if (nth == 2) {
          return call->Finish(RetryLater(absl::StatusCode::kUnavailable, "UNKNOWN", "later", 5));
        }
        call->Finish(Created());
      },
      0);
  ASSERT_TRUE(Import(server.port(), Rows(50, KeyOfRow)).ok());
  EXPECT_EQ(results_.by_row.size(), 50u);
  EXPECT_EQ(results_.twice, 0);
  for (const auto& [id, count] : tries) EXPECT_EQ(count, 3) << id;
}

TEST_F(BatchImportTest, RowsOfOneKeyAreNeverInFlightTogetherAndKeepTheirOrder) {
  Mutex mutex;
  std::map<std::string, int> in_flight;
  std::map<std::string, std::vector<std::string>> order;
  std::vector<std::pair<std::string, std::unique_ptr<UnaryCall>>> held;
  int together = 0;
  const auto release = [&] {
    for (auto& [key, call] : held) {
      --in_flight[key];
      call->Finish(Created());
    }
    held.clear();
  };
  ImportServer server(
      [&](std::unique_ptr<UnaryCall> call, const UpsertContactRequest& request) {
        MutexLock lock(mutex);
        const std::string key = request.contact().external_key().key();
        if (++in_flight[key] > 1) ++together;
        order[key].push_back(request.request_id());
        held.emplace_back(key, std::move(call));
        // Three keys: more cannot be held.
        if (held.size() == 3 || order[key].size() == 20) release();
      },
      0);
  ASSERT_TRUE(
      Import(server.port(), Rows(60, [](int64_t row) { return std::to_string(row % 3); })).ok());
  EXPECT_EQ(together, 0);
  EXPECT_EQ(results_.by_row.size(), 60u);
  for (int64_t key = 0; key < 3; ++key) {
    std::vector<std::string> expected;
    for (int64_t row = 1; row <= 60; ++row) {
      if (row % 3 == key) expected.push_back("r-" + std::to_string(row));
    }
    EXPECT_EQ(order[std::to_string(key)], expected);
  }
}

TEST_F(BatchImportTest, GoesOnWithANewServerWhereTheOldOneEnded) {
  Mutex mutex;
  CondVar changed;
  int handled = 0;
  bool stop = false;
  const auto handle = [&](std::unique_ptr<UnaryCall> call, const UpsertContactRequest&) {
    {
      MutexLock lock(mutex);
      if (++handled == 100) stop = true;
      changed.NotifyAll();
    }
    call->Finish(Created());
  };
  auto first = std::make_unique<ImportServer>(handle, 0);
  const int port = first->port();
  std::unique_ptr<ImportServer> second;
  std::thread restart([&] {
    {
      MutexLock lock(mutex);
      changed.Wait(lock, [&] { return stop; });
    }
    first->Stop();
    first.reset();
    second = std::make_unique<ImportServer>(handle, port);
  });
  const absl::Status status = Import(port, Rows(20'000, KeyOfRow));
  restart.join();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(results_.by_row.size(), 20'000u);
  EXPECT_EQ(results_.twice, 0);
}

TEST_F(BatchImportTest, ServerThatWasNeverThereIsToldAtOnce) {
  const absl::Status status = Import(1, Rows(10, KeyOfRow));
  EXPECT_EQ(ReasonOf(status), "SERVER_UNREACHABLE");
  EXPECT_TRUE(results_.by_row.empty());
}

TEST_F(BatchImportTest, GivesUpOnAServerThatAnswersNothingAnyMore) {
  ImportServer server(
      [](std::unique_ptr<UnaryCall> call, const UpsertContactRequest&) {
        call->Finish(RetryLater(absl::StatusCode::kUnavailable, "QUIESCED", "is quiesced", 10));
      },
      0);
  const absl::Status status = Import(server.port(), Rows(10, KeyOfRow), 4, kSecond / 5);
  EXPECT_EQ(ReasonOf(status), "IMPORT_STALLED");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("is quiesced"));
}

}  // namespace
}  // namespace crm::crmctl
