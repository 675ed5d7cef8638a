// How long partitions are without an owner. Flags: --rounds=N (3).

#include <fmt/format.h>

#include <algorithm>

#include "tests/cluster/cluster_test.h"

namespace crm {
namespace {

// What docs/guarantees.md says, and what no slow machine explains.
constexpr TimeNs kAfterAKill = kSessionTimeout + 2 * kSecond;
constexpr TimeNs kAfterAStop = kSecond;
constexpr TimeNs kSlack = 5 * kSecond;

class FailoverTest : public ClusterTest {
 protected:
  // From `end`, which ends the replica "one", until "two" takes commands for every partition.
  template <typename End>
  void Measure(const char* what, TimeNs promised, End end) {
    const SystemClock clock;
    std::string figures;
    for (int64_t round = 0; round < FlagValue("rounds", 3); ++round) {
      ASSERT_TRUE(IsOk(cluster_->WaitUntilSettled(kPatience)));
      ASSERT_NE(probe_->WaitUntilAccepted(survivor_, PartitionProbe::All(), kPatience), 0);
      const TimeNs begin = clock.Monotonic();
      end(cluster_->replica("one"));
      const TimeNs accepted =
          probe_->WaitUntilAccepted(survivor_, PartitionProbe::All(), kPatience);
      ASSERT_NE(accepted, 0) << "partitions are left without an owner";
      const TimeNs took = accepted - begin;
      figures += fmt::format(" {}", took / kMillisecond);
      EXPECT_LE(took, promised + kSlack);
      if (cluster_->replica("one").running()) {
        EXPECT_EQ(cluster_->replica("one").WaitForExit(kPatience), 0);
      }
      ASSERT_TRUE(IsOk(cluster_->StartReplica("one")));
    }
    std::cout << what << ": every partition took commands again after (ms, promised "
              << promised / kMillisecond << "):" << figures << std::endl;
  }

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
    survivor_.Put("two", cluster_->replica("two").address());
  }

  Callers survivor_;
};

TEST_F(FailoverTest, AKilledOwnersPartitionsAreTakenOver) {
  Measure("kill -9", kAfterAKill, [](ServerProcess& owner) { owner.Kill(); });
}

TEST_F(FailoverTest, AStoppedOwnersPartitionsAreHandedOver) {
  Measure("clean stop", kAfterAStop, [](ServerProcess& owner) { owner.Terminate(); });
}

}  // namespace
}  // namespace crm
