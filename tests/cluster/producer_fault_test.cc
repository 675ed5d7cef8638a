// The service in this process, so that its producer can be made to fail. The flag --seed=S.

#include "common/config/server_options.h"
#include "common/service/process.h"
#include "services/contact/api/contact_service.h"
#include "tests/cluster/cluster_test.h"
#include "tests/conformance/failing_producer.h"

namespace crm {
namespace {

constexpr int kWriters = 16;
constexpr int kRounds = 6;

class ProducerFaultTest : public ClusterTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Begin({}));
    std::vector<std::string> flags = cluster_->EngineFlags("here");
    flags.insert(flags.end(), {"--data-dir", directory_.File("here"), "--listen", "127.0.0.1:0",
                               "--admin-listen", "127.0.0.1:0"});
    auto config = ParseServerOptions("crm-contact", "test", flags, Surroundings{});
    ASSERT_TRUE(IsOk(config.status()));
    std::vector<ServiceDefinition> services;
    services.push_back(contact::MakeContactService({}));
    process_ = std::make_unique<Process>(*std::move(config), std::move(services), clock_, random_);
    ASSERT_TRUE(IsOk(process_->Start()));
    cluster_->callers().Put("here", fmt::format("127.0.0.1:{}", process_->api_port()));
  }

  SystemClock clock_;
  SystemRandom random_;
  TempDirectory directory_;
  std::unique_ptr<Process> process_;
};

TEST_F(ProducerFaultTest, AfterAFatalErrorOwnersGoOnAndEveryAcknowledgedCommandIsThereOnce) {
  ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  ClusterWriters writers(cluster_->callers(), kWriters, RunSeed());
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
    const int made = ProducersMade();
    FailNewestProducer("planted by the test");
    ASSERT_TRUE(Eventually(kPatience, [&] { return ProducersMade() > made; }));
    ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  }
  ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
  ASSERT_TRUE(writers.Drain(kPatience));
  // Judged at a replica of another process, which takes the partitions over.
  process_->Stop();
  cluster_->callers().Remove("here");
  ASSERT_TRUE(IsOk(cluster_->StartReplica("judge")));
  ASSERT_TRUE(IsOk(cluster_->WaitUntilSettled(kPatience)));
  RunRecord record = writers.TakeRecord();
  record.Add(probe_->TakeRecord());
  RunTotals totals;
  EXPECT_THAT(JudgeRun(*cluster_, std::move(record), &totals), testing::IsEmpty());
  std::cout << writers.answered() << " commands answered; " << totals.ToString() << std::endl;
  // At the start, at the judge's take-over, and in each round where something was on its way.
  EXPECT_GE(totals.ownerships, 2 * kPartitions + kRounds);
}

}  // namespace
}  // namespace crm
