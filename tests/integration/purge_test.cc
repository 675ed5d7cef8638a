// PurgeContacts as a long-running operation, against the shipped server.

#include <google/longrunning/operations.pb.h>
#include <google/protobuf/empty.pb.h>

#include <set>

#include "tests/support/server_test.h"

namespace crm {
namespace {

using contact::v1::PurgeContactsRequest;
using contact::v1::PurgeContactsResponse;
using google::longrunning::Operation;

constexpr char kPurge[] = "/crm.contact.v1.ContactService/PurgeContacts";
constexpr int kContacts = 400;
constexpr int kLiving = 20;
constexpr TimeNs kPatience = 120 * kSecond;

std::string Operations(const char* method) {
  return std::string("/google.longrunning.Operations/") + method;
}

class PurgeTest : public ServerTest {
 protected:
  // All but the last ones are deleted.
  void MakeDeleted() {
    std::vector<contact::v1::UpsertContactRequest> rows;
    for (int i = 0; i < kContacts + kLiving; ++i) rows.push_back(UpsertPerson(i, "shop"));
    ASSERT_TRUE(IsOk(client_->Import(rows, [this](const auto& answer) {
      ASSERT_EQ(answer.error().code(), 0) << answer.error().message();
      const std::string& name = answer.result().contact().name();
      (answer.row() <= kContacts ? deleted_ : living_).insert(name);
    })));
    for (const std::string& name : deleted_) {
      contact::v1::DeleteContactRequest request;
      request.set_name(name);
      const auto answered = client_->Delete(request);
      ASSERT_TRUE(IsOk(answered.status));
      latest_ = std::max(latest_, answered.response.delete_time().seconds());
    }
  }

  // Of all contacts deleted so far: a moment that is over once it is asked for.
  PurgeContactsRequest Request(bool force) const {
    PurgeContactsRequest request;
    request.mutable_deleted_before()->set_seconds(latest_ + 1);
    request.set_force(force);
    return request;
  }

  // Asks until the moment lies in the past.
  Operation Begin(const PurgeContactsRequest& request) {
    const SystemClock clock;
    const TimeNs deadline = clock.Monotonic() + kPatience;
    for (;;) {
      const auto answered = client_->Call<Operation>(kPurge, request);
      const bool early = answered.status.code() == absl::StatusCode::kInvalidArgument;
      if (!early || clock.Monotonic() > deadline) {
        EXPECT_TRUE(IsOk(answered.status));
        return answered.response;
      }
    }
  }

  // The operation after a wait of so many milliseconds at most.
  Answered<Operation> Wait(const std::string& name, int milliseconds) {
    google::longrunning::WaitOperationRequest request;
    request.set_name(name);
    request.mutable_timeout()->set_seconds(milliseconds / 1000);
    request.mutable_timeout()->set_nanos(milliseconds % 1000 * 1'000'000);
    return client_->Call<Operation>(Operations("WaitOperation"), request, {{}, kPatience});
  }

  int64_t WaitForEnd(const std::string& name) {
    const auto answered = Wait(name, 100'000);
    EXPECT_TRUE(IsOk(answered.status));
    EXPECT_TRUE(answered.response.done()) << answered.response.DebugString();
    PurgeContactsResponse response;
    EXPECT_TRUE(answered.response.response().UnpackTo(&response));
    return response.contacts();
  }

  void ExpectPurged(bool purged) {
    for (const std::string& name : deleted_) {
      const auto got = client_->Get(name, {{{"crm-consistency", "strong"}}});
      ASSERT_TRUE(IsOk(got.status));
      EXPECT_EQ(got.response.has_purge_time(), purged) << name;
      EXPECT_EQ(got.response.display_name().empty(), purged);
    }
    for (const std::string& name : living_) {
      EXPECT_FALSE(client_->Get(name).response.has_purge_time());
    }
  }

  std::set<std::string> deleted_;
  std::set<std::string> living_;
  int64_t latest_ = 0;
};

TEST_F(PurgeTest, PurgesWhatWasDeletedAlsoThroughCrashes) {
  Serve();
  MakeDeleted();
  EXPECT_EQ(WaitForEnd(Begin(Request(false)).name()), kContacts);
  ExpectPurged(false);
  const std::string name = Begin(Request(true)).name();
  for (int crash = 0; crash < 3; ++crash) {
    Crash();
    ASSERT_TRUE(IsOk(Wait(name, 20 * crash).status));
  }
  EXPECT_EQ(WaitForEnd(name), kContacts);
  ExpectPurged(true);
  EXPECT_EQ(WaitForEnd(Begin(Request(true)).name()), 0) << "nothing is left to purge";
}

TEST_F(PurgeTest, OperationsAreListedAndCancelledAndStay) {
  Serve();
  const std::string first = Begin(Request(false)).name();
  WaitForEnd(first);
  google::longrunning::CancelOperationRequest cancel;
  cancel.set_name(first);
  EXPECT_TRUE(
      IsOk(client_->Call<google::protobuf::Empty>(Operations("CancelOperation"), cancel).status));
  EXPECT_FALSE(Wait(first, 0).response.has_error()) << "it was done before";
  const std::string second = Begin(Request(false)).name();

  google::longrunning::ListOperationsRequest list;
  list.set_page_size(1);
  std::set<std::string> listed;
  do {
    const auto page = client_->Call<google::longrunning::ListOperationsResponse>(
        Operations("ListOperations"), list, {{{"crm-consistency", "strong"}}});
    ASSERT_TRUE(IsOk(page.status));
    for (const Operation& operation : page.response.operations()) listed.insert(operation.name());
    list.set_page_token(page.response.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(listed, (std::set<std::string>{first, second}));

  google::longrunning::DeleteOperationRequest remove;
  remove.set_name(first);
  EXPECT_TRUE(
      Refused(client_->Call<google::protobuf::Empty>(Operations("DeleteOperation"), remove).status,
              absl::StatusCode::kUnimplemented, "OPERATIONS_STAY"));
}

TEST_F(PurgeTest, RepeatIsTheSameOperation) {
  Serve();
  PurgeContactsRequest request = Request(true);
  request.set_request_id("monthly");
  EXPECT_EQ(Begin(request).name(), Begin(request).name());
}

TEST_F(PurgeTest, BadRequestsAreRefused) {
  Serve();
  EXPECT_TRUE(RefusedField(client_->Call<Operation>(kPurge, PurgeContactsRequest()).status,
                           "deleted_before"));
  PurgeContactsRequest future;
  future.mutable_deleted_before()->set_seconds(10'000'000'000);
  EXPECT_TRUE(RefusedField(client_->Call<Operation>(kPurge, future).status, "deleted_before"));
  google::longrunning::GetOperationRequest get;
  get.set_name("operations/none");
  const std::string path = Operations("GetOperation");
  EXPECT_TRUE(RefusedField(client_->Call<Operation>(path, get).status, "name"));
  get.set_name("operations/o" + std::string(26, 'a'));
  EXPECT_TRUE(Refused(client_->Call<Operation>(path, get).status, absl::StatusCode::kNotFound));
  google::longrunning::CancelOperationRequest cancel;
  cancel.set_name(get.name());
  EXPECT_TRUE(
      Refused(client_->Call<google::protobuf::Empty>(Operations("CancelOperation"), cancel).status,
              absl::StatusCode::kNotFound, "OPERATION_NOT_FOUND"));
  google::longrunning::ListOperationsRequest list;
  list.set_filter("done = true");
  EXPECT_TRUE(RefusedField(
      client_->Call<google::longrunning::ListOperationsResponse>(Operations("ListOperations"), list)
          .status,
      "filter"));
}

}  // namespace
}  // namespace crm
