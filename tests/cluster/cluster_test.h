#pragma once

#include <fmt/format.h>

#include <iostream>
#include <random>

#include "tests/cluster/cluster.h"
#include "tests/cluster/cluster_writers.h"
#include "tests/cluster/partition_probe.h"
#include "tests/cluster/run_judge.h"
#include "tests/support/eventually.h"
#include "tests/support/server_test.h"

namespace crm {

// Longer than anything takes that works; a test that waits so long has failed.
inline constexpr TimeNs kPatience = 60 * kSecond;

// Replicas over brokers of the test's own. The flag --seed=S. What the processes
// wrote is printed where the test failed.
class ClusterTest : public testing::Test {
 protected:
  void Begin(const std::vector<std::string>& replicas, int brokers = 1) {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    cluster_ = std::make_unique<Cluster>();
    ASSERT_TRUE(IsOk(
        cluster_->Start(fmt::format("{}.{}", test->test_suite_name(), test->name()), brokers)));
    for (const std::string& replica : replicas) {
      ASSERT_TRUE(IsOk(cluster_->StartReplica(replica)));
    }
    if (!replicas.empty()) {
      ASSERT_TRUE(IsOk(cluster_->WaitUntilSettled(kPatience)));
    }
    probe_ = std::make_unique<PartitionProbe>(cluster_->secret());
  }

  void TearDown() override {
    if (HasFailure() && cluster_ != nullptr) std::cout << cluster_->Errors() << std::endl;
  }

  // `also`: what others did beside the writers and the probe.
  void DrainAndJudge(ClusterWriters& writers, RunRecord also = {}) {
    ASSERT_TRUE(writers.Drain(kPatience)) << "commands are still without an answer";
    RunRecord record = writers.TakeRecord();
    record.Add(std::move(also));
    record.Add(probe_->TakeRecord());
    RunTotals totals;
    EXPECT_THAT(JudgeRun(*cluster_, std::move(record), &totals), testing::IsEmpty());
    std::cout << writers.answered() << " commands answered; " << totals.ToString() << std::endl;
    totals_ = totals;
  }

  uint64_t Pick(uint64_t below) { return random_() % below; }

  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<PartitionProbe> probe_;
  std::mt19937_64 random_{RunSeed()};
  RunTotals totals_;
};

}  // namespace crm
