#include "common/rpc/forwarder.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/common/rpc/test_server.h"

namespace crm {
namespace {

// Waits for one answer.
class Awaited {
 public:
  Forwarder::Done Done() {
    return [this](absl::StatusOr<Answer> answer) {
      MutexLock lock(mutex_);
      EXPECT_FALSE(answer_.has_value()) << "answered twice";
      answer_ = std::move(answer);
      arrived_.NotifyAll();
    };
  }
  absl::StatusOr<Answer> Wait() {
    MutexLock lock(mutex_);
    if (!arrived_.WaitFor(lock, kPatience, [this] { return answer_.has_value(); })) {
      return absl::InternalError("never answered");
    }
    return *std::move(answer_);
  }

 private:
  Mutex mutex_;
  CondVar arrived_;
  std::optional<absl::StatusOr<Answer>> answer_;
};

class ForwarderTest : public testing::Test {
 protected:
  std::string EndpointOf(TestServer& server) {
    return "127.0.0.1:" + std::to_string(server.server().port());
  }
  CallContext Context(TimeNs patience = kPatience) {
    CallContext context;
    context.caller.tenant = "acme";
    context.deadline = clock_.Monotonic() + patience;
    return context;
  }
  absl::StatusOr<Answer> Forward(const std::string& endpoint, const std::string& request,
                                 const CallContext& context) {
    Awaited awaited;
    forwarder_->Forward(endpoint, kCreate, request, context, awaited.Done());
    return awaited.Wait();
  }

  SystemClock clock_;
  std::optional<Forwarder> forwarder_{clock_};
};

TEST_F(ForwarderTest, BytesMetadataAndPositionAreKept) {
  TestServer owner;
  CallContext seen;
  owner.unary = [&seen](std::unique_ptr<UnaryCall> call) {
    seen = call->context();
    call->Finish(Answer{std::string(call->request()), "position-acme", std::string("\0\xff", 2)});
  };
  owner.Start();
  CallContext context = Context();
  context.caller.actor.set_kind(common::v1::Actor::EMPLOYEE);
  context.caller.actor.set_principal("J\xc3\xb6rg");
  context.caller.actor.set_on_behalf_of("grace");
  context.caller.correlation_id = "c-1";
  context.min_positions = {"one", "two"};
  const std::string request("\x00\xff bytes", 8);
  const auto answer = Forward(EndpointOf(owner), request, context);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->response, request);
  EXPECT_EQ(answer->position, "position-acme");
  EXPECT_EQ(answer->would_record, std::string("\0\xff", 2));
  EXPECT_TRUE(seen.forwarded);
  EXPECT_EQ(seen.caller.actor.principal(), "J\xc3\xb6rg");
  EXPECT_EQ(seen.caller.actor.kind(), common::v1::Actor::EMPLOYEE);
  EXPECT_EQ(seen.caller.actor.on_behalf_of(), "grace");
  EXPECT_EQ(seen.caller.correlation_id, "c-1");
  EXPECT_EQ(seen.min_positions, context.min_positions);
  EXPECT_LE(seen.deadline, context.deadline + kSecond);
}

TEST_F(ForwarderTest, LargeMessagesPass) {
  TestServer owner;
  owner.Start();
  const std::string request(3 << 20, 'x');
  const auto answer = Forward(EndpointOf(owner), request, Context());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->response, request);
}

TEST_F(ForwarderTest, ErrorsComeWithTheirDetails) {
  TestServer owner;
  owner.unary = [](std::unique_ptr<UnaryCall> call) {
    call->Finish(
        Error(absl::StatusCode::kAborted, "ETAG_STALE", "read it again", {{"current_etag", "7"}}));
  };
  owner.Start();
  const auto answer = Forward(EndpointOf(owner), "", Context());
  EXPECT_EQ(answer.status(), Error(absl::StatusCode::kAborted, "ETAG_STALE", "read it again",
                                   {{"current_etag", "7"}}));
}

TEST_F(ForwarderTest, AnOwnerThatCannotBeReachedLeavesTheOutcomeOpen) {
  for (const char* endpoint : {"127.0.0.1:1", "", "no such address", "127.0.0.1:99999", ":::"}) {
    const absl::Status status = Forward(endpoint, "", Context()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << endpoint;
    EXPECT_EQ(ReasonOf(status), "OUTCOME_UNKNOWN") << endpoint;
    EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  }
}

TEST_F(ForwarderTest, AnOwnerThatDiesLeavesTheOutcomeOpen) {
  HeldCalls held;
  auto owner = std::make_unique<TestServer>();
  owner->unary = held.Hold();
  owner->Start();
  Awaited awaited;
  forwarder_->Forward(EndpointOf(*owner), kCreate, "", Context(), awaited.Done());
  ASSERT_TRUE(held.WaitFor(1));
  owner->server().Shutdown(0);
  const absl::Status status = awaited.Wait().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  held.Take();
}

TEST_F(ForwarderTest, TheCallersDeadlineCounts) {
  HeldCalls held;
  TestServer owner;
  owner.unary = held.Hold();
  owner.Start();
  const absl::Status late = Forward(EndpointOf(owner), "", Context(100 * kMillisecond)).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  const absl::Status passed = Forward(EndpointOf(owner), "", Context(-kSecond)).status();
  EXPECT_EQ(passed.code(), absl::StatusCode::kDeadlineExceeded) << passed;
  held.Take();
}

TEST_F(ForwarderTest, CallsUnderWayAreAnsweredWhenItEnds) {
  HeldCalls held;
  TestServer owner;
  owner.unary = held.Hold();
  owner.Start();
  Awaited awaited;
  forwarder_->Forward(EndpointOf(owner), kCreate, "", Context(), awaited.Done());
  ASSERT_TRUE(held.WaitFor(1));
  forwarder_.reset();
  EXPECT_EQ(ReasonOf(awaited.Wait().status()), "OUTCOME_UNKNOWN");
  held.Take();
}

TEST_F(ForwarderTest, ManyAtOnceEachGetTheirOwnAnswer) {
  TestServer owner;
  owner.Start();
  std::vector<Awaited> awaited(200);
  for (size_t i = 0; i < awaited.size(); ++i) {
    forwarder_->Forward(EndpointOf(owner), kCreate, "request " + std::to_string(i), Context(),
                        awaited[i].Done());
  }
  for (size_t i = 0; i < awaited.size(); ++i) {
    const auto answer = awaited[i].Wait();
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->response, "request " + std::to_string(i));
  }
}

}  // namespace
}  // namespace crm
