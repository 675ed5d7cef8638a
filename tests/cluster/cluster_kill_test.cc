// kill -9 of replicas and of brokers under writers. Flags: --rounds=N (8) kills of replicas,
// --broker-rounds=N (3); --seed=S.

#include <fmt/format.h>

#include <thread>

#include "tests/cluster/cluster_test.h"

namespace crm {
namespace {

constexpr int kWriters = 16;
constexpr int kBrokers = 3;
// Numbers from here on are askers'.
constexpr int kAskers = 1000;
constexpr TimeNs kBrokerIsBack = 10 * kSecond;
// What no slow machine explains.
constexpr TimeNs kSlack = 10 * kSecond;

// Somebody with a command of its own.
struct Asker {
  explicit Asker(int number)
      : writer(number, RunSeed() + static_cast<uint64_t>(number),
               [this](Attempt attempt) { attempts.push_back(std::move(attempt)); }) {}
  std::vector<Attempt> attempts;
  Writer writer;
};

class ClusterKillTest : public ClusterTest {
 protected:
  // One replica dies, or now and then both; they come back at once, or after the other has taken
  // over.
  void KillReplicas(ClusterWriters& writers) {
    writers.WaitForAnswers(static_cast<int64_t>(1 + Pick(400)), 5 * kSecond);
    const std::string victim = Pick(2) == 0 ? "one" : "two";
    const std::string other = victim == "one" ? "two" : "one";
    const bool both = Pick(4) == 0;
    cluster_->replica(victim).Kill();
    if (both) {
      writers.WaitForAnswers(static_cast<int64_t>(1 + Pick(50)),
                             static_cast<TimeNs>(Pick(1000)) * kMillisecond);
      cluster_->replica(other).Kill();
      ASSERT_TRUE(IsOk(cluster_->StartReplica(other)));
    } else if (Pick(2) == 0) {
      ASSERT_TRUE(Eventually(kPatience, [&] { return cluster_->Owned(other) == kPartitions; }));
    }
    ASSERT_TRUE(IsOk(cluster_->StartReplica(victim)));
    ASSERT_TRUE(writers.WaitForAnswers(100, kPatience));
  }

  // Every replica answers, with the position it holds.
  void ExpectReads(const std::string& name) {
    for (const std::string& replica : cluster_->names()) {
      for (int i = 0; i < 20; ++i) {
        const auto read = cluster_->client(replica).Get(name, {{}, 2 * kSecond});
        EXPECT_TRUE(IsOk(read.status)) << replica;
      }
    }
  }

  // A command at every replica at once, whose caller is patient.
  void ExpectCommandsUnavailable(std::vector<std::unique_ptr<Asker>>& askers) {
    std::vector<std::thread> threads;
    for (const std::string& replica : cluster_->names()) {
      askers.push_back(std::make_unique<Asker>(kAskers + static_cast<int>(askers.size())));
      threads.emplace_back([this, replica, asker = askers.back().get()] {
        EXPECT_FALSE(asker->writer.Step(cluster_->client(replica), {{}, 60 * kSecond}));
        const absl::Status& status = asker->attempts.back().status;
        EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void FinishAll(std::vector<std::unique_ptr<Asker>>& askers, RunRecord* record) {
    for (const auto& asker : askers) {
      ASSERT_TRUE(Eventually(kPatience, [&] {
        if (asker->writer.pending()) asker->writer.Step(*cluster_->callers().Pick(random_()));
        return !asker->writer.pending();
      }));
      record->Add({{std::move(asker->writer.history)}, std::move(asker->attempts), {}});
    }
  }

  // The time from the broker's return until every partition takes commands again.
  TimeNs ComeBack() {
    const SystemClock clock;
    EXPECT_TRUE(IsOk(cluster_->brokers().StartBroker(1)));
    const TimeNs back = clock.Monotonic();
    const TimeNs accepted =
        probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience);
    EXPECT_NE(accepted, 0) << "partitions take no command";
    return accepted - back;
  }
};

TEST_F(ClusterKillTest, ReplicasKilledAtRandomLoseAndInventNothing) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
  ClusterWriters writers(cluster_->callers(), kWriters, RunSeed());
  const int64_t rounds = FlagValue("rounds", 8);
  for (int64_t round = 0; round < rounds; ++round) {
    ASSERT_NO_FATAL_FAILURE(KillReplicas(writers));
  }
  ASSERT_NO_FATAL_FAILURE(DrainAndJudge(writers));
  std::cout << rounds << " kills of replicas" << std::endl;
}

TEST_F(ClusterKillTest, BrokerKilledReadsGoOnAndCommandsResumeSoonAfterItsReturn) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
  ASSERT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
  const std::string name = probe_->NameOf(0);
  ASSERT_TRUE(IsOk(cluster_->WaitUntilFolded(kPatience)));
  ClusterWriters writers(cluster_->callers(), kWriters, RunSeed());
  const int64_t rounds = FlagValue("broker-rounds", 3);
  std::vector<std::unique_ptr<Asker>> askers;
  std::string figures;
  for (int64_t round = 0; round < rounds; ++round) {
    ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
    ASSERT_TRUE(IsOk(cluster_->brokers().KillBroker(1)));
    ExpectReads(name);
    if (round == 0) ExpectCommandsUnavailable(askers);
    ExpectReads(name);
    const TimeNs took = ComeBack();
    figures += fmt::format(" {}", took / kMillisecond);
    EXPECT_LE(took, kBrokerIsBack + kSlack);
  }
  std::cout << "every partition took commands again after (ms, at most 10000):" << figures
            << std::endl;
  ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
  RunRecord record;
  ASSERT_NO_FATAL_FAILURE(FinishAll(askers, &record));
  ASSERT_NO_FATAL_FAILURE(DrainAndJudge(writers, std::move(record)));
  std::cout << rounds << " kills of the broker" << std::endl;
}

TEST_F(ClusterKillTest, ThreeBrokersKilledInTurnLoseAndInventNothing) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}, kBrokers));
  ClusterWriters writers(cluster_->callers(), kWriters, RunSeed());
  for (int64_t round = 0; round < FlagValue("rolls", 1); ++round) {
    for (int broker = 1; broker <= kBrokers; ++broker) {
      ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
      ASSERT_TRUE(IsOk(cluster_->brokers().KillBroker(broker)));
      ASSERT_TRUE(writers.WaitForAnswers(200, kPatience)) << "without broker " << broker;
      ASSERT_TRUE(IsOk(cluster_->brokers().StartBroker(broker)));
    }
  }
  ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
  ASSERT_NO_FATAL_FAILURE(DrainAndJudge(writers));
}

}  // namespace
}  // namespace crm
