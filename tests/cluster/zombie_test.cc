// An owner that stands still for longer than the group's session time-out and then goes on, and two
// processes with one name. Flags: --rounds=N (5); --seed=S.

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "tests/cluster/cluster_test.h"

namespace crm {
namespace {

constexpr int kWriters = 18;

class ZombieTest : public ClusterTest {
 protected:
  // The owner of half the partitions stands still until the other has all, and a while longer.
  void Round(ClusterWriters& writers, const std::string& zombie, const std::string& other) {
    ASSERT_TRUE(IsOk(cluster_->WaitUntilSettled(kPatience)));
    ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
    cluster_->replica(zombie).Pause();
    const bool taken_over = Eventually(kSessionTimeout + 20 * kSecond,
                                       [&] { return cluster_->Owned(other) == kPartitions; });
    const bool went_on = writers.WaitForAnswers(200, kPatience);
    cluster_->replica(zombie).Resume();
    ASSERT_TRUE(taken_over) << other << " does not own everything";
    ASSERT_TRUE(went_on) << "no command is answered";
    ASSERT_TRUE(writers.WaitForAnswers(200, kPatience));
  }
};

TEST_F(ZombieTest, NothingOfAZombieIsValidAndEveryAcknowledgedCommandIsThereOnce) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
  ClusterWriters writers(cluster_->callers(), kWriters, RunSeed());
  const int64_t rounds = FlagValue("rounds", 5);
  for (int64_t round = 0; round < rounds; ++round) {
    const bool first = round % 2 == 0;
    ASSERT_NO_FATAL_FAILURE(Round(writers, first ? "one" : "two", first ? "two" : "one"));
  }
  ASSERT_NO_FATAL_FAILURE(DrainAndJudge(writers));
  std::cout << rounds << " zombies" << std::endl;
}

TEST_F(ZombieTest, OfTwoProcessesWithOneNameOneServesAndTheOtherLeaves) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one"}));
  ServerProcess& first = cluster_->replica("one");
  ServerProcess& second = cluster_->LaunchNamesake("one");
  std::optional<int> first_code;
  std::optional<int> second_code;
  ASSERT_TRUE(Eventually(kPatience, [&] {
    first_code = first.WaitForExit(0);
    if (!first_code.has_value()) second_code = second.WaitForExit(0);
    return first_code.has_value() || second_code.has_value();
  }));
  ServerProcess& left = first_code.has_value() ? first : second;
  ServerProcess& stays = first_code.has_value() ? second : first;
  EXPECT_EQ(first_code.value_or(second_code.value_or(0)), 3);
  EXPECT_THAT(left.errors(), testing::HasSubstr("INSTANCE_NAME_TAKEN"));
  ASSERT_TRUE(IsOk(stays.WaitUntilServing()));
  Callers callers;
  callers.Put("one", stays.address());
  EXPECT_NE(probe_->WaitUntilAccepted(callers, PartitionProbe::All(), kPatience), 0);
  EXPECT_TRUE(stays.running());
}

int64_t CountOf(const std::string& text, std::string_view what) {
  int64_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// The client library then joins the group anew, which brokers that wake up may answer twice.
TEST_F(ZombieTest, ABrokerThatStandsStillCostsNobodyItsName) {
  ASSERT_NO_FATAL_FAILURE(Begin({"one", "two"}));
  pid_t broker = 0;
  std::ifstream(cluster_->brokers().directory() + "/broker-1.pid") >> broker;
  ASSERT_GT(broker, 1);
  const auto ended_sessions = [this] {
    return CountOf(cluster_->replica("one").errors(), "session timed out") +
           CountOf(cluster_->replica("two").errors(), "session timed out");
  };
  const int64_t before = ended_sessions();
  for (int64_t stall = 0; stall < FlagValue("stalls", 3); ++stall) {
    ASSERT_EQ(kill(broker, SIGSTOP), 0);
    // The fault's length. A member that was just joining notices no session that ends, so no single
    // stall is waited for; that some do is seen below.
    std::this_thread::sleep_for(std::chrono::nanoseconds(2 * kSessionTimeout));
    ASSERT_EQ(kill(broker, SIGCONT), 0);
    EXPECT_NE(probe_->WaitUntilAccepted(cluster_->callers(), PartitionProbe::All(), kPatience), 0);
    ASSERT_TRUE(IsOk(cluster_->WaitUntilSettled(kPatience)));
  }
  EXPECT_GT(ended_sessions(), before);
  for (const char* name : {"one", "two"}) {
    EXPECT_FALSE(cluster_->replica(name).WaitForExit(0).has_value()) << name << " left";
    std::cout << name << " took its name back "
              << CountOf(cluster_->replica(name).errors(), "took the name") << " times"
              << std::endl;
  }
}

}  // namespace
}  // namespace crm
