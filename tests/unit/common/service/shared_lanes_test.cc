#include <google/rpc/error_info.pb.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/dump.h"
#include "common/service/lane_runner.h"
#include "common/storage/memory_store.h"
#include "crm/common/v1/log_control.pb.h"
#include "tests/support/contact_commands.h"
#include "tests/support/eventually.h"
#include "tests/support/moody_log.h"
#include "tests/support/test_sealer.h"

namespace crm {
namespace {

using contact::CreateContact;
using testing::ContactCommand;
using testing::MoodyLog;
using Mine = std::array<bool, kPartitions>;

constexpr char kTenant[] = "acme";
constexpr TimeNs kPatience = 20 * kSecond;

Mine All(bool mine) {
  Mine all;
  all.fill(mine);
  return all;
}

google::rpc::ErrorInfo ErrorInfoOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_TRUE(payload && info.ParseFromString(std::string(*payload)));
  return info;
}

// One process: its lanes and its core.
struct Replica {
  Replica(const std::string& name_of_it, MoodyLog& log_of_all, std::vector<std::string> peers)
      : name(name_of_it), log(log_of_all), random(std::hash<std::string>()(name)) {
    Start(std::move(peers));
  }
  void Start(std::vector<std::string> peers) {
    LaneRunner::Options options;
    options.owner = name;
    options.endpoint = name + ":1";
    options.threads = 2;
    options.follow = true;
    options.hinted = false;
    options.successors = [peers = std::move(peers)] { return peers; };
    runner = std::make_unique<LaneRunner>(std::move(options), log, core, testing::ContactSchema(),
                                          sealer, store, tracker, clock, random,
                                          [this](absl::Status why) {
                                            EXPECT_TRUE(why.ok()) << why;
                                            failed = true;
                                          });
    EXPECT_TRUE(runner->Start().ok());
  }

  // The answer of one command.
  absl::StatusOr<Outcome> Create(size_t number) {
    auto command = std::make_unique<ContactCommand>(
        "contacts/c" + std::to_string(number),
        std::vector<testing::Step>{CreateContact{testing::Named("Ada"), std::nullopt}});
    command->caller.tenant = kTenant;
    command->request_id = "request-" + std::to_string(number);
    command->payload_hmac = "payload";
    std::atomic<bool> answered{false};
    absl::StatusOr<Outcome> answer;
    command->done = [&](absl::StatusOr<Outcome> outcome) {
      answer = std::move(outcome);
      answered = true;
    };
    runner->Submit(std::move(command));
    EXPECT_TRUE(Eventually(kPatience, [&] { return answered.load(); }));
    return answer;
  }
  // With the same request id until it is recorded.
  absl::StatusOr<Outcome> CreateAtLast(size_t number) {
    absl::StatusOr<Outcome> answer;
    EXPECT_TRUE(Eventually(kPatience, [&] {
      answer = Create(number);
      return answer.ok();
    })) << answer.status();
    return answer;
  }
  int open() const { return runner->counts().open_partitions; }
  bool CaughtUp() {
    for (Partition p = 0; p < kPartitions; ++p) {
      if (tracker.Get(p) < *log.EndOffset(p)) return false;
    }
    return true;
  }
  std::string Hash(Partition p) {
    return DumpPartition(store, core, p, DumpKind::kCanonical, {})->hash;
  }

  const std::string name;
  MoodyLog& log;
  SystemClock clock;
  SeededRandom random;
  testing::TestSealer sealer;
  const CoreProjection core{testing::ContactTypes(), 1};
  MemoryStore store;
  PositionTracker tracker;
  std::atomic<bool> failed{false};
  std::unique_ptr<LaneRunner> runner;
};

// Two processes over one log.
class SharedLanesTest : public ::testing::Test {
 protected:
  void ExpectAgreement() {
    ASSERT_TRUE(Eventually(kPatience, [this] { return a_.CaughtUp() && b_.CaughtUp(); }));
    for (Partition p = 0; p < kPartitions; ++p) EXPECT_EQ(a_.Hash(p), b_.Hash(p)) << p;
  }

  MoodyLog log_{"contacts"};
  Replica a_{"a", log_, {"b"}};
  Replica b_{"b", log_, {}};
};

TEST_F(SharedLanesTest, NobodyClaimsBeforeAHint) {
  const auto answer = a_.Create(0);
  EXPECT_EQ(ReasonOf(answer.status()), "NOT_OWNER");
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.CaughtUp() && b_.CaughtUp(); }));
  for (Partition p = 0; p < kPartitions; ++p) EXPECT_EQ(*log_.EndOffset(p), 1) << p;
}

TEST_F(SharedLanesTest, TheOtherReplicaFoldsWhatTheOwnerRecords) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  for (size_t i = 0; i < 100; ++i) ASSERT_TRUE(a_.Create(i).ok());
  ExpectAgreement();
  EXPECT_EQ(b_.open(), 0);
  EXPECT_EQ(ReasonOf(b_.Create(0).status()), "NOT_OWNER");
}

TEST_F(SharedLanesTest, AHintThatMovesMovesTheOwner) {
  Mine of_a = All(true);
  a_.runner->Hint(of_a);
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  for (size_t i = 0; i < 50; ++i) ASSERT_TRUE(a_.Create(i).ok());
  Mine of_b = All(false);
  for (size_t p = 0; p < kPartitions; p += 2) std::swap(of_a[p], of_b[p]);
  a_.runner->Hint(of_a);
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions / 2; }))
      << "did not let go";
  b_.runner->Hint(of_b);
  ASSERT_TRUE(Eventually(kPatience, [this] { return b_.open() == kPartitions / 2; }));
  for (size_t i = 50; i < 100; ++i) {
    const Partition p = PartitionOfSubject(kTenant, "contacts/c" + std::to_string(i));
    ASSERT_TRUE((of_a[static_cast<size_t>(p)] ? a_ : b_).CreateAtLast(i).ok());
  }
  // A repeat meets the first execution, whoever decided it.
  for (size_t i = 0; i < 50; ++i) {
    const Partition p = PartitionOfSubject(kTenant, "contacts/c" + std::to_string(i));
    const auto answer = (of_a[static_cast<size_t>(p)] ? a_ : b_).CreateAtLast(i);
    EXPECT_TRUE(answer->repeated) << i;
  }
  ExpectAgreement();
}

TEST_F(SharedLanesTest, ACleanStopHandsOverToAPeerThatNobodyHints) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  for (size_t i = 0; i < 20; ++i) ASSERT_TRUE(a_.Create(i).ok());
  a_.runner->Stop();
  ASSERT_TRUE(Eventually(kPatience, [this] { return b_.open() == kPartitions; }));
  for (size_t i = 0; i < 20; ++i) EXPECT_TRUE(b_.CreateAtLast(i)->repeated);
}

// Whoever still calls the process that is about to stop does not keep its partitions from others.
TEST_F(SharedLanesTest, AHandOverMovesEveryPartitionWhileTheOwnerStillAnswers) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  EXPECT_TRUE(a_.CreateAtLast(1).ok());
  a_.runner->HandOver(kPatience);
  EXPECT_EQ(a_.open(), 0);
  // What the group still says of it does not count.
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return b_.open() == kPartitions; }));
  ASSERT_TRUE(Eventually(kPatience, [this] {
    const absl::Status refused = a_.Create(2).status();
    return ErrorInfoOf(refused).metadata().contains("owner") &&
           ErrorInfoOf(refused).metadata().at("owner") == "b:1";
  }));
  EXPECT_TRUE(b_.CreateAtLast(2).ok());
  ExpectAgreement();
  a_.runner->Stop();
  EXPECT_EQ(b_.open(), kPartitions);
}

TEST_F(SharedLanesTest, AStopReleasesBehindTheLastAnswer) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  a_.runner->Stop();
  for (Partition p = 0; p < kPartitions; ++p) {
    const Offset end = *log_.EndOffset(p);
    const auto tail = log_.OpenTail({{p, 2}});
    ASSERT_TRUE(tail.ok() && end >= 3) << "no RELEASE in partition " << p;
    const auto batch = (*tail)->Poll(kSecond);
    ASSERT_TRUE(batch.ok());
    common::v1::LogControl control;
    ASSERT_TRUE(control.ParseFromString(batch->records.front().value));
    EXPECT_EQ(control.release().successor(), "b");
  }
}

TEST_F(SharedLanesTest, WhatLiesAtAPlaceNobodyWasToldIsConfirmedByReading) {
  log_.places_unknown = true;
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  for (size_t i = 0; i < 50; ++i) ASSERT_TRUE(a_.Create(i).ok());
  ExpectAgreement();
}

TEST_F(SharedLanesTest, ALogThatIsAwayForAWhileEndsNothing) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  log_.away = true;
  log_.ends_fail = true;
  ASSERT_TRUE(Eventually(kPatience, [this] { return log_.failed_polls > 3; }));
  // A repeat waits for the log's end.
  ASSERT_TRUE(a_.Create(0).ok());
  std::thread repeat([this] { EXPECT_TRUE(a_.Create(0).ok()); });
  ASSERT_TRUE(Eventually(kPatience, [this] { return log_.failed_ends > 3; }));
  log_.away = false;
  log_.ends_fail = false;
  repeat.join();
  ExpectAgreement();
  EXPECT_FALSE(a_.failed);
}

TEST_F(SharedLanesTest, AStopIsNotHeldUpForEverByALogThatIsAway) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  ASSERT_TRUE(a_.Create(0).ok());
  log_.ends_fail = true;
  std::thread repeat([this] {
    const auto answer = a_.Create(0);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable) << answer.status();
  });
  ASSERT_TRUE(Eventually(kPatience, [this] { return log_.failed_ends > 0; }));
  a_.runner->Stop();
  repeat.join();
}

TEST_F(SharedLanesTest, AReplicaThatStartsLaterKnowsWhoOwns) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  for (size_t i = 0; i < 100; ++i) ASSERT_TRUE(a_.Create(i).ok());
  ASSERT_TRUE(Eventually(kPatience, [this] { return b_.CaughtUp(); }));
  b_.runner->Stop();
  b_.Start({});
  const auto refused = b_.Create(0);
  EXPECT_EQ(ReasonOf(refused.status()), "NOT_OWNER");
  const auto info = ErrorInfoOf(refused.status());
  EXPECT_EQ(info.metadata().at("owner"), "a:1") << "commands cannot be forwarded";
}

TEST_F(SharedLanesTest, APartitionWhoseLogWasTrimmedStopsAlone) {
  a_.runner->Hint(All(true));
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.open() == kPartitions; }));
  for (size_t i = 0; i < 50; ++i) ASSERT_TRUE(a_.Create(i).ok());
  ASSERT_TRUE(Eventually(kPatience, [this] { return a_.CaughtUp() && b_.CaughtUp(); }));
  const Partition at_fault = PartitionOfSubject(kTenant, "contacts/c0");
  log_.trimmed = at_fault;
  ASSERT_TRUE(Eventually(kPatience, [&] { return !a_.tracker.Check(at_fault).ok(); }));
  ASSERT_TRUE(Eventually(kPatience, [&] { return a_.open() == kPartitions - 1; }));
  EXPECT_EQ(ReasonOf(a_.tracker.Check(at_fault)), "LOG_TRIMMED");
  const auto refused = a_.Create(0);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused.status()), "LOG_TRIMMED");
  for (size_t i = 50; i < 100; ++i) {
    if (PartitionOfSubject(kTenant, "contacts/c" + std::to_string(i)) == at_fault) continue;
    EXPECT_TRUE(a_.Create(i).ok()) << i;
  }
  EXPECT_FALSE(a_.failed);
}

}  // namespace
}  // namespace crm
