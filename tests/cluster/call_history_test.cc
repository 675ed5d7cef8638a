// The judge of the fault tests, judged: a sound run passes, and what was tampered with is noticed.
// Over the embedded engine, so without brokers.

#include "tests/cluster/call_history.h"

#include "tests/cluster/cluster_writers.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class CallHistoryTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    Callers callers;
    callers.Put("only", server_.address());
    ClusterWriters writers(callers, 6, RunSeed());
    ASSERT_TRUE(writers.WaitForAnswers(400, 60 * kSecond));
    ASSERT_TRUE(writers.Drain(60 * kSecond));
    record_ = writers.TakeRecord();
    auto secret = Secret::FromFile(directory_.File("data") + "/secret", nullptr);
    ASSERT_TRUE(secret.ok());
    secret_ = std::make_unique<Secret>(*std::move(secret));
  }

  std::vector<std::string> Findings() {
    CallHistory calls(*secret_, record_.attempts, record_.reads);
    EXPECT_TRUE(IsOk(calls.ReadLog(*client_)));
    const auto core = client_->Dump("core", admin::v1::DumpProjectionRequest::CANONICAL);
    calls.AddDump("one", core);
    calls.AddDump("two", tampered_dump_.by_partition.empty() ? core : tampered_dump_);
    return calls.Check();
  }

  // One that was acknowledged with this method.
  Attempt& Acknowledged(const std::string& method) {
    return *std::find_if(
        record_.attempts.begin(), record_.attempts.end(),
        [&](const Attempt& attempt) { return attempt.status.ok() && attempt.method == method; });
  }

  RunRecord record_;
  std::unique_ptr<Secret> secret_;
  ContactClient::Hashes tampered_dump_;
};

TEST_F(CallHistoryTest, ASoundRunPasses) {
  EXPECT_FALSE(record_.reads.empty());
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(CallHistoryTest, ACommandThatIsNotInTheLogIsNoticed) {
  Attempt invented = Acknowledged("CreateContact");
  contact::v1::CreateContactRequest request;
  request.ParseFromString(invented.request);
  request.set_request_id("never carried out");
  invented.request = request.SerializeAsString();
  record_.attempts.push_back(std::move(invented));
  EXPECT_THAT(Findings(), Contains(HasSubstr("not exactly once")));
}

TEST_F(CallHistoryTest, ACommandThatNobodySentIsNoticed) {
  Attempt& attempt = Acknowledged("CreateContact");
  attempt = record_.attempts.back();
  record_.attempts.pop_back();
  EXPECT_THAT(Findings(), Contains(HasSubstr("never issued")));
}

TEST_F(CallHistoryTest, AnotherAnswerThanTheLogsIsNoticed) {
  Attempt& attempt = Acknowledged("UpdateContact");
  contact::v1::Contact contact;
  contact.ParseFromString(attempt.response);
  contact.set_display_name("somebody else");
  attempt.response = contact.SerializeAsString();
  EXPECT_THAT(Findings(), Contains(HasSubstr("another answer")));
}

TEST_F(CallHistoryTest, AReadBelowItsTokenIsNoticed) {
  const auto later = std::find_if(record_.reads.begin(), record_.reads.end(),
                                  [](const TokenRead& read) { return read.version > 1; });
  ASSERT_NE(later, record_.reads.end());
  later->version = 1;
  EXPECT_THAT(Findings(), Contains(HasSubstr("stale read")));
}

TEST_F(CallHistoryTest, ReplicasThatDifferAreNoticed) {
  tampered_dump_ = client_->Dump("core", admin::v1::DumpProjectionRequest::CANONICAL);
  tampered_dump_.by_partition[3] = "another";
  EXPECT_THAT(Findings(), Contains(HasSubstr("replicas differ")));
}

}  // namespace
}  // namespace crm
