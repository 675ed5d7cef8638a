#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/log/fence_filter.h"
#include "common/log/fenced_partition.h"
#include "common/log/log.h"
#include "tests/conformance/log_calls.h"
#include "tests/support/test_seed.h"

// The ownership protocol over a real log: what is confirmed is what every reader applies. An engine
// takes part with the type of LogSuite.
namespace crm {

// One instance that follows a partition and may own it, driven by hand: nothing happens outside of
// Step.
class DrivenOwner {
 public:
  DrivenOwner(Log& log, Partition partition, std::string name, Random& random)
      : log_(log),
        partition_(partition),
        fenced_({.partition = partition,
                 .owner = name,
                 .endpoint = name,
                 .log_id = log.identity().log_id,
                 .min_backoff = kMillisecond,
                 .max_backoff = 50 * kMillisecond},
                {}, 0, random),
        tail_(log.OpenTail({{partition, 0}}).value()) {}

  // Appends under way report to nobody any more.
  ~DrivenOwner() { Drain(); }

  void Hint(bool mine) {
    fenced_.Hint(mine, clock_.Monotonic());
    Act();
  }
  void Release(const std::string& successor) {
    fenced_.Release(successor);
    Act();
  }
  bool open() const { return fenced_.open(); }

  // A command of `events` events, each with the command's name as its value.
  void Propose(const std::string& name, int events) {
    std::vector<Record> records(static_cast<size_t>(events));
    for (Record& record : records) {
      record.key = KeyIn(partition_);
      record.value = name;
    }
    proposed_[fenced_.Propose(std::move(records))] = name;
    fenced_.Flush();
    Act();
  }

  // Appends are kept here from now on, as if the process stood still with them in its hands, until
  // they are let go.
  void HoldAppends() { holding_ = true; }
  void LetAppendsGo() {
    holding_ = false;
    for (auto& append : std::exchange(held_, {})) Send(std::move(append));
  }

  // Takes in what was reported and what the log brought within `max_wait`.
  void Step(TimeNs max_wait = kMillisecond) {
    for (auto& [id, offsets] : TakeReports()) {
      if (offsets.ok()) {
        fenced_.Delivered(id, *offsets);
      } else {
        fenced_.DeliveryUnknown(id, clock_.Monotonic());
      }
      Act();
    }
    auto batch = tail_->Poll(max_wait);
    ASSERT_TRUE(batch.ok()) << batch.status();
    for (Record& record : batch->records) {
      const absl::Status read = fenced_.Read(std::move(record), clock_.Monotonic());
      ASSERT_TRUE(read.ok()) << read;
      Act();
    }
    fenced_.Tick(clock_.Monotonic());
    Act();
  }

  template <typename Predicate>
  bool StepUntil(Predicate predicate) {
    const TimeNs deadline = clock_.Monotonic() + kPatience;
    while (!predicate() && clock_.Monotonic() < deadline) Step();
    return predicate();
  }

  // Names of its own commands, as they were confirmed.
  const std::vector<std::string>& confirmed() const { return confirmed_; }
  // Names of all commands it applied, its own among them.
  const std::vector<std::string>& applied() const { return applied_; }
  int lost() const { return lost_; }
  Offset read_to() const { return fenced_.read_to(); }
  Offset fence() const { return fenced_.fence_state().fence; }

  // Waits for the reports of all its appends.
  void Drain() {
    MutexLock lock(mutex_);
    EXPECT_TRUE(reported_.WaitFor(lock, kPatience, [&] { return under_way_ == 0; }));
  }

 private:
  using Reports = std::vector<std::pair<uint64_t, absl::StatusOr<std::vector<Offset>>>>;

  Reports TakeReports() {
    MutexLock lock(mutex_);
    return std::exchange(reports_, {});
  }

  void Act() {
    for (auto& output : fenced_.Take()) {
      if (auto* append = std::get_if<FencedPartition::Append>(&output)) {
        holding_ ? held_.push_back(*append) : Send(*append);
      } else if (auto* apply = std::get_if<FencedPartition::Apply>(&output)) {
        applied_.push_back(apply->last->value);
        if (apply->number != 0) confirmed_.push_back(proposed_.at(apply->number));
      } else if (std::holds_alternative<FencedPartition::Lost>(output)) {
        ++lost_;
      }
      // What a ReadBack asks for the tail brings.
    }
  }

  void Send(FencedPartition::Append append) {
    {
      MutexLock lock(mutex_);
      ++under_way_;
    }
    const absl::Status queued = log_.Append(
        partition_, append.records, [this, id = append.id](auto offsets) { Report(id, offsets); });
    if (!queued.ok()) Report(append.id, queued);
  }

  void Report(uint64_t id, absl::StatusOr<std::vector<Offset>> offsets) {
    MutexLock lock(mutex_);
    reports_.emplace_back(id, std::move(offsets));
    --under_way_;
    reported_.NotifyAll();
  }

  const SystemClock clock_;
  Log& log_;
  const Partition partition_;
  FencedPartition fenced_;
  std::unique_ptr<Tail> tail_;
  std::map<uint64_t, std::string> proposed_;
  std::vector<std::string> confirmed_;
  std::vector<std::string> applied_;
  int lost_ = 0;
  bool holding_ = false;
  std::vector<FencedPartition::Append> held_;
  Mutex mutex_;
  CondVar reported_;
  int under_way_ = 0;
  Reports reports_;
};

// Names of the commands that a reader takes from the partition.
inline std::vector<std::string> CommandsIn(Log& log, Partition partition) {
  FenceFilter filter;
  std::vector<std::string> names;
  for (const Record& record : ReadPartition(log, partition, 0)) {
    if (filter.Next(record) != FenceFilter::Verdict::kCommand) continue;
    names.push_back(filter.TakeCommand().back().value);
  }
  return names;
}

template <typename Engine>
class FencedLogSuite : public ::testing::Test {
 protected:
  static constexpr Partition kPartition = 5;

  std::unique_ptr<DrivenOwner> Owner(const std::string& name) {
    return std::make_unique<DrivenOwner>(engine_.log(), kPartition, name, random_);
  }
  std::unique_ptr<DrivenOwner> OpenOwner(const std::string& name) {
    auto owner = Owner(name);
    owner->Hint(true);
    EXPECT_TRUE(owner->StepUntil([&] { return owner->open(); }));
    return owner;
  }
  std::vector<std::string> Commands() { return CommandsIn(engine_.log(), kPartition); }

  Engine engine_;
  SystemRandom random_;
};

TYPED_TEST_SUITE_P(FencedLogSuite);

TYPED_TEST_P(FencedLogSuite, WhatIsConfirmedIsWhatReadersApply) {
  auto owner = this->OpenOwner("a");
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) {
    names.push_back("c" + std::to_string(i));
    owner->Propose(names.back(), 1 + i % 3);
    if (i % 10 == 0) owner->Step(0);
  }
  ASSERT_TRUE(owner->StepUntil([&] { return owner->confirmed().size() == names.size(); }));
  EXPECT_EQ(owner->confirmed(), names);
  EXPECT_EQ(this->Commands(), names);
}

// The owner stands still with appends in its hands, another takes over, then the appends land.
TYPED_TEST_P(FencedLogSuite, AZombiesLateRecordsAreVoid) {
  auto zombie = this->OpenOwner("a");
  zombie->Propose("before", 2);
  ASSERT_TRUE(zombie->StepUntil([&] { return zombie->confirmed().size() == 1; }));
  zombie->HoldAppends();
  zombie->Propose("late 1", 1);
  zombie->Propose("late 2", 3);

  auto successor = this->OpenOwner("b");
  successor->Propose("after", 1);
  ASSERT_TRUE(successor->StepUntil([&] { return successor->confirmed().size() == 1; }));
  zombie->LetAppendsGo();
  zombie->Drain();
  zombie->Hint(false);
  ASSERT_TRUE(zombie->StepUntil([&] { return zombie->lost() == 1; }));
  successor->Propose("last", 1);
  ASSERT_TRUE(successor->StepUntil([&] { return successor->confirmed().size() == 2; }));

  const std::vector<std::string> wanted = {"before", "after", "last"};
  ASSERT_TRUE(zombie->StepUntil([&] { return zombie->applied().size() == 3; }));
  EXPECT_EQ(zombie->confirmed(), std::vector<std::string>{"before"});
  EXPECT_EQ(zombie->applied(), wanted);
  EXPECT_EQ(successor->applied(), wanted);
  EXPECT_EQ(this->Commands(), wanted);
  EXPECT_FALSE(zombie->open());
}

TYPED_TEST_P(FencedLogSuite, ARepeatedDeliveryCountsOnce) {
  auto owner = this->OpenOwner("a");
  owner->Propose("one", 2);
  ASSERT_TRUE(owner->StepUntil([&] { return owner->confirmed().size() == 1; }));
  Log& log = this->engine_.log();
  std::vector<Record> again = ReadPartition(log, this->kPartition, owner->fence() + 1);
  ASSERT_EQ(again.size(), 2u);
  ASSERT_TRUE(AppendNow(log, this->kPartition, again).ok());
  owner->Propose("two", 1);
  ASSERT_TRUE(owner->StepUntil([&] { return owner->confirmed().size() == 2; }));
  EXPECT_EQ(this->Commands(), (std::vector<std::string>{"one", "two"}));
}

// Records of an earlier owner come to lie between; the owner reads them before it confirms.
TYPED_TEST_P(FencedLogSuite, GapsAreReadBackBeforeCommandsAreConfirmed) {
  auto owner = this->OpenOwner("a");
  Log& log = this->engine_.log();
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) {
    Record stale = EventOf(KeyIn(this->kPartition), "stale", i + 1);
    stale.fence = 0;
    ASSERT_TRUE(AppendNow(log, this->kPartition, {stale, stale}).ok());
    names.push_back("c" + std::to_string(i));
    owner->Propose(names.back(), 1 + i % 2);
  }
  ASSERT_TRUE(owner->StepUntil([&] { return owner->confirmed().size() == names.size(); }));
  EXPECT_EQ(owner->confirmed(), names);
  EXPECT_EQ(this->Commands(), names);
  EXPECT_EQ(owner->lost(), 0);
}

TYPED_TEST_P(FencedLogSuite, AReleaseNamesWhoClaimsNext) {
  auto first = this->OpenOwner("a");
  auto second = this->Owner("b");
  for (int i = 0; i < 5; ++i) first->Propose("a" + std::to_string(i), 1);
  ASSERT_TRUE(first->StepUntil([&] { return first->confirmed().size() == 5; }));
  first->Release("b");
  ASSERT_TRUE(second->StepUntil([&] { return second->open(); }));
  second->Propose("b", 1);
  ASSERT_TRUE(second->StepUntil([&] { return second->confirmed().size() == 1; }));
  EXPECT_EQ(second->applied().size(), 6u);
  EXPECT_EQ(this->Commands(), second->applied());
}

// Both are hinted, so each takes the partition from the other whenever its back-off allows. Whoever
// is open writes.
TYPED_TEST_P(FencedLogSuite, TwoThatDuelNeverConfirmWhatReadersDoNotApply) {
  std::mt19937_64 dice(TestSeed());
  std::vector<std::unique_ptr<DrivenOwner>> owners;
  owners.push_back(this->Owner("a"));
  owners.push_back(this->Owner("b"));
  for (auto& owner : owners) owner->Hint(true);
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + kPatience;
  const auto confirmed = [&](size_t i) { return owners[i]->confirmed().size(); };
  int proposed = 0;
  while ((confirmed(0) < 30 || confirmed(1) < 30 || owners[0]->lost() + owners[1]->lost() < 4) &&
         clock.Monotonic() < deadline) {
    DrivenOwner& owner = *owners[dice() % 2];
    if (owner.open() && dice() % 3 != 0) {
      owner.Propose("c" + std::to_string(proposed++), 1 + static_cast<int>(dice() % 3));
    }
    // One that stands still for a while wakes up to a log that went on.
    for (int step = 0; step < static_cast<int>(dice() % 4); ++step) owner.Step(0);
    owner.Step();
  }
  for (auto& owner : owners) {
    EXPECT_GE(owner->confirmed().size(), 30u);
    owner->Hint(false);
    owner->Drain();
  }
  const std::vector<std::string> commands = this->Commands();
  const Offset end = this->engine_.log().EndOffset(this->kPartition).value();
  std::set<std::string> once(commands.begin(), commands.end());
  EXPECT_EQ(once.size(), commands.size());
  for (auto& owner : owners) {
    ASSERT_TRUE(owner->StepUntil([&] { return owner->read_to() >= end; }));
    EXPECT_EQ(owner->applied(), CommandsIn(this->engine_.log(), this->kPartition));
    for (const std::string& name : owner->confirmed()) EXPECT_TRUE(once.contains(name)) << name;
  }
}

REGISTER_TYPED_TEST_SUITE_P(FencedLogSuite, WhatIsConfirmedIsWhatReadersApply,
                            AZombiesLateRecordsAreVoid, ARepeatedDeliveryCountsOnce,
                            GapsAreReadBackBeforeCommandsAreConfirmed, AReleaseNamesWhoClaimsNext,
                            TwoThatDuelNeverConfirmWhatReadersDoNotApply);

}  // namespace crm
