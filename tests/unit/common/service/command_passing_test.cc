#include "common/service/command_passing.h"

#include <gtest/gtest.h>

#include <optional>

#include "common/rpc/forwarder.h"
#include "crm/analytics/v1/analytics_service.pb.h"
#include "crm/common/v1/batch.pb.h"
#include "tests/unit/common/rpc/test_server.h"

namespace crm {
namespace {

using analytics::v1::RecordContactScoresRequest;

absl::Status NotOwner(const std::string& owner) {
  return Error(absl::StatusCode::kUnavailable, "NOT_OWNER", "not here", {{"owner", owner}});
}

// A replica whose lanes own nothing: it refuses each command with the address of another.
class Replica {
 public:
  explicit Replica(const Clock& clock) : forwarder_(clock) {
    server_.unary = server_.batch = [this](std::unique_ptr<UnaryCall> unary) {
      const std::shared_ptr<UnaryCall> call = std::move(unary);
      ++calls;
      if (owner.empty()) return call->Finish(Answer{"done by " + own, "here"});
      passing_->Answer(call, "CreateContact", NotOwner(owner));
    };
    server_.Start();
    own = "127.0.0.1:" + std::to_string(server_.server().port());
    passing_.emplace(&forwarder_, own, ContactService());
  }

  TestServer& server() { return server_; }
  std::string own;
  // Empty: it owns everything.
  std::string owner;
  std::atomic<int> calls{0};

 private:
  TestServer server_;
  Forwarder forwarder_;
  std::optional<CommandPassing> passing_;
};

class CommandPassingTest : public testing::Test {
 protected:
  SystemClock clock_;
  Replica a_{clock_};
  Replica b_{clock_};
};

TEST_F(CommandPassingTest, TheOwnersAnswerIsTheCallers) {
  a_.owner = b_.own;
  const Reply reply = Invoke(a_.server(), kCreate, "");
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(reply.response, "done by " + b_.own);
  EXPECT_EQ(reply.position, "here");
}

TEST_F(CommandPassingTest, ACallIsPassedOnOnce) {
  a_.owner = b_.own;
  b_.owner = a_.own;
  const Reply reply = Invoke(a_.server(), kCreate, "");
  // The second owner is in the details, for whoever wants to know.
  EXPECT_EQ(reply.status, NotOwner(a_.own));
  EXPECT_EQ(a_.calls, 1);
  EXPECT_EQ(b_.calls, 1);
}

TEST_F(CommandPassingTest, NothingIsPassedToOneself) {
  a_.owner = a_.own;
  EXPECT_EQ(Invoke(a_.server(), kCreate, "").status, NotOwner(a_.own));
  EXPECT_EQ(a_.calls, 1);
}

TEST_F(CommandPassingTest, AnOwnerThatIsGoneLeavesTheOutcomeOpen) {
  a_.owner = "127.0.0.1:1";
  EXPECT_EQ(ReasonOf(Invoke(a_.server(), kCreate, "").status), "OUTCOME_UNKNOWN");
}

TEST_F(CommandPassingTest, ItemsOfABatchArePassedOnEachByItself) {
  a_.owner = b_.own;
  ClientStream stream(*a_.server().stub, kImport);
  constexpr int kRows = 50;
  for (int row = 1; row <= kRows; ++row) {
    common::v1::BatchItem item;
    item.set_row(row);
    item.set_command("x");
    ASSERT_TRUE(stream.Write(item.SerializeAsString()));
  }
  ASSERT_TRUE(stream.WritesDone());
  std::string bytes;
  int answered = 0;
  while (stream.Read(&bytes)) {
    common::v1::BatchResult result;
    ASSERT_TRUE(result.ParseFromString(bytes));
    EXPECT_EQ(result.result(), "done by " + b_.own);
    ++answered;
  }
  EXPECT_EQ(answered, kRows);
  EXPECT_TRUE(stream.Finish().status.ok());
  EXPECT_EQ(b_.calls, kRows);
}

// A reaction's command, with what its runner fills in.
class Scoring final : public Command {
 public:
  explicit Scoring(std::function<void(absl::StatusOr<Outcome>)> then) {
    RecordContactScoresRequest request;
    request.set_contact("contacts/c1");
    request.mutable_rfm()->set_score(555);
    as_call = {"RecordContactScores", request.SerializeAsString()};
    caller.tenant = "acme";
    caller.actor.set_kind(common::v1::Actor::SERVICE);
    caller.actor.set_principal("reactions/compute-score-run");
    caller.correlation_id = "c-1";
    request_id = "derived";
    causation_id = "0-1-2-3";
    source.emplace().set_offset(7);
    done = std::move(then);
  }
  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader&) const override {
    return absl::InternalError("decided elsewhere");
  }
};

// The analytics service of the replica that owns the contact's partition.
class Analytics {
 public:
  explicit Analytics(const Clock& clock) : server_({.listen = "127.0.0.1:0"}, clock, nullptr) {
    server_.AddService(rpc);
    for (int i = 0; i < rpc->method_count(); ++i) {
      server_.AddUnary(rpc, rpc->method(i)->name(), [this](std::unique_ptr<UnaryCall> call) {
        context = call->context();
        request.ParseFromString(std::string(call->request()));
        answer.ok() ? call->Finish(Answer{}) : call->Finish(answer);
      });
    }
    EXPECT_TRUE(server_.Start().ok());
    own = "127.0.0.1:" + std::to_string(server_.port());
  }

  const google::protobuf::ServiceDescriptor* const rpc =
      RecordContactScoresRequest::descriptor()->file()->service(0);
  std::string own;
  absl::Status answer;
  CallContext context;
  RecordContactScoresRequest request;

 private:
  RpcServer server_;
};

class ReactionPassingTest : public testing::Test {
 protected:
  // What the reaction is told where its lane refuses with this.
  absl::Status Told(const absl::Status& refusal) {
    Mutex mutex;
    CondVar told;
    std::optional<absl::Status> status;
    Scoring command([&](const absl::StatusOr<Outcome>& outcome) {
      MutexLock lock(mutex);
      status = outcome.status();
      told.NotifyAll();
    });
    const CommandPassing passing(&forwarder_, "me:1", owner_.rpc);
    passing.Prepare(&command);
    command.done(refusal);
    MutexLock lock(mutex);
    EXPECT_TRUE(told.WaitFor(lock, kPatience, [&] { return status.has_value(); }));
    return status.value_or(absl::InternalError("never told"));
  }

  SystemClock clock_;
  Analytics owner_{clock_};
  Forwarder forwarder_{clock_};
};

TEST_F(ReactionPassingTest, ACommandIsACallInTheSameName) {
  ASSERT_TRUE(Told(NotOwner(owner_.own)).ok());
  EXPECT_EQ(owner_.request.contact(), "contacts/c1");
  EXPECT_EQ(owner_.request.rfm().score(), 555);
  EXPECT_EQ(owner_.request.request_id(), "derived");
  EXPECT_EQ(owner_.request.causation_id(), "0-1-2-3");
  EXPECT_EQ(owner_.request.source().offset(), 7);
  EXPECT_TRUE(owner_.context.forwarded);
  EXPECT_EQ(owner_.context.caller.tenant, "acme");
  EXPECT_EQ(owner_.context.caller.actor.kind(), common::v1::Actor::SERVICE);
  EXPECT_EQ(owner_.context.caller.actor.principal(), "reactions/compute-score-run");
  EXPECT_EQ(owner_.context.caller.correlation_id, "c-1");
}

TEST_F(ReactionPassingTest, RefusalsComeBack) {
  owner_.answer = Error(absl::StatusCode::kFailedPrecondition, "ERASED", "gone");
  EXPECT_EQ(Told(NotOwner(owner_.own)), owner_.answer);
  const absl::Status refused = Error(absl::StatusCode::kFailedPrecondition, "NO", "no");
  EXPECT_EQ(Told(refused), refused) << "the lane's own";
  EXPECT_EQ(Told(NotOwner("me:1")), NotOwner("me:1"));
  EXPECT_EQ(Told(NotOwner("")), NotOwner(""));
}

}  // namespace
}  // namespace crm
