#include "common/projection/tail_runner.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <thread>

#include "common/base/bytes.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/storage/memory_store.h"
#include "tests/support/contact_log.h"
#include "tests/support/moody_log.h"
#include "tests/support/unsynced_store.h"

namespace crm {
namespace {

using testing::ContactLog;
using testing::ContactSource;
using testing::EmptyLog;
using testing::UnsyncedStore;

constexpr TimeNs kPatience = 20 * kSecond;
constexpr TimeNs kForever = std::numeric_limits<TimeNs>::max();

// One row a command, by offset: "once", or "again" where the command is folded over its own row.
class Journal final : public Projection {
 public:
  std::string_view name() const override { return "journal"; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override {
    return std::make_unique<JournalFold>(partition, rows);
  }
  std::string BusinessLine(std::string_view, std::string_view) const override { return ""; }

 private:
  class JournalFold final : public Fold {
   public:
    JournalFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}
    absl::Status Apply(std::span<const Event> command) override {
      std::string key{static_cast<char>(partition_), 'j'};
      AppendBe64(&key, static_cast<uint64_t>(command.back().offset));
      CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
      rows_.Put(std::move(key), row.has_value() ? "again" : "once");
      return absl::OkStatus();
    }
    absl::Status Unreadable(std::string_view, std::string_view, Offset,
                            const absl::Status&) override {
      return absl::OkStatus();
    }
    absl::Status Flush() override { return absl::OkStatus(); }

   private:
    const Partition partition_;
    Rows& rows_;
  };
};

// A runner over a log and a store that outlive it.
class RunningTail {
 public:
  RunningTail(Log& log, Store& store)
      : log_(log), runner_(log, journal_, ContactSource(), store, tracker_, [this](absl::Status s) {
          MutexLock lock(mutex_);
          failures_.push_back(std::move(s));
          changed_.NotifyAll();
        }) {}

  absl::Status Start() { return runner_.Start(); }
  void Stop() { runner_.Stop(); }
  PositionTracker& tracker() { return tracker_; }

  // Waits until everything in the log is folded.
  bool CatchUp() {
    PositionTracker::Targets ends;
    for (Partition p = 0; p < kPartitions; ++p) ends.emplace_back(p, *log_.EndOffset(p));
    const auto reached = std::make_shared<bool>(false);
    tracker_.WhenReached(ends, kForever, [this, reached](bool) {
      MutexLock lock(mutex_);
      *reached = true;
      changed_.NotifyAll();
    });
    MutexLock lock(mutex_);
    return changed_.WaitFor(lock, kPatience, [&] { return *reached; });
  }
  // Waits for the failure.
  absl::Status Failure() {
    MutexLock lock(mutex_);
    changed_.WaitFor(lock, kPatience, [&] { return !failures_.empty(); });
    return failures_.size() == 1 ? failures_.front() : absl::OkStatus();
  }

 private:
  Log& log_;
  Journal journal_;
  PositionTracker tracker_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<absl::Status> failures_;
  TailRunner runner_;
};

size_t Folded(const Store& store) {
  size_t rows = 0;
  for (auto it = store.Scan("", ""); it->Valid(); it->Next()) {
    if (it->key()[1] != 'j') continue;
    EXPECT_EQ(it->value(), "once");
    ++rows;
  }
  return rows;
}

// A store that has folded everything of the log.
void FoldAll(Log& log, Store& store) {
  RunningTail run(log, store);
  ASSERT_TRUE(run.Start().ok());
  ASSERT_TRUE(run.CatchUp());
  run.Stop();
}

void Fill(ContactLog& writer, int from, int to) {
  for (int i = from; i < to; ++i) writer.Create("c" + std::to_string(i), "Ada");
}

TEST(TailRunner, FollowsTheLogWhileItGrows) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  Fill(writer, 0, 50);
  MemoryStore store;
  RunningTail run(*log, store);
  ASSERT_TRUE(run.Start().ok());
  ASSERT_TRUE(run.CatchUp());
  EXPECT_EQ(Folded(store), 50u);
  Fill(writer, 50, 120);
  ASSERT_TRUE(run.CatchUp());
  EXPECT_EQ(Folded(store), 120u);
}

TEST(TailRunner, ResumesWhereItsStoreStands) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  MemoryStore store;
  for (int round = 0; round < 5; ++round) {
    Fill(writer, round * 40, (round + 1) * 40);
    FoldAll(*log, store);
    EXPECT_EQ(Folded(store), static_cast<size_t>(round + 1) * 40);
  }
}

TEST(TailRunner, FoldsAgainWhatACrashTookFromTheStore) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  UnsyncedStore store;
  for (int round = 0; round < 4; ++round) {
    Fill(writer, round * 30, (round + 1) * 30);
    FoldAll(*log, store);
  }
  for (size_t writes = store.writes(); writes-- > 0;) {
    store.Crash(writes);
    FoldAll(*log, store);
    EXPECT_EQ(Folded(store), 120u);
  }
}

TEST(TailRunner, AStoreAheadOfItsLogIsRefusedWithTheRemedy) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  Fill(writer, 0, 50);
  MemoryStore store;
  FoldAll(*log, store);
  // The older copy: the same records, fewer of them.
  const auto restored = EmptyLog();
  ContactLog before(*restored);
  Fill(before, 0, 20);
  RunningTail run(*restored, store);
  const absl::Status status = run.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "PROJECTION_AHEAD_OF_LOG");
  EXPECT_NE(status.message().find("crmctl log adopt-restored"), std::string::npos);
  EXPECT_EQ(Folded(store), 50u);
}

TEST(TailRunner, ALogThatHoldsAnotherRecordAtThePositionIsRefused) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  writer.Create("c1", "Ada");
  MemoryStore store;
  FoldAll(*log, store);
  // As long as the other and longer, but what was written after the restore differs.
  const auto restored = EmptyLog();
  ContactLog other(*restored);
  other.Create("c1", "Bea");
  other.Create("c1", "Cleo");
  RunningTail run(*restored, store);
  EXPECT_EQ(ReasonOf(run.Start()), "PROJECTION_AHEAD_OF_LOG");
}

TEST(TailRunner, AStoreOfAnotherLogOrOfAnEarlierEpochHasToBeRebuilt) {
  const auto log = EmptyLog({"log", "check", 1});
  ContactLog writer(*log);
  Fill(writer, 0, 20);
  MemoryStore store;
  FoldAll(*log, store);
  const auto other = EmptyLog({"other", "check", 1});
  ContactLog other_writer(*other);
  Fill(other_writer, 0, 20);
  const absl::Status foreign = RunningTail(*other, store).Start();
  EXPECT_EQ(foreign.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(foreign), "PROJECTION_OF_ANOTHER_LOG");
  const auto restored = EmptyLog({"log", "check", 2});
  ContactLog restored_writer(*restored);
  Fill(restored_writer, 0, 20);
  const absl::Status earlier = RunningTail(*restored, store).Start();
  EXPECT_EQ(earlier.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(earlier), "PROJECTION_OF_EARLIER_EPOCH");
}

TEST(TailRunner, AStoreThatCannotBeWrittenEndsIt) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  UnsyncedStore store;
  RunningTail run(*log, store);
  ASSERT_TRUE(run.Start().ok());
  ASSERT_TRUE(run.CatchUp());
  store.FailOneWrite();
  Fill(writer, 0, 20);
  EXPECT_FALSE(run.Failure().ok());
  run.Stop();
  // Nothing was skipped.
  FoldAll(*log, store);
  EXPECT_EQ(Folded(store), 20u);
}

TEST(TailRunner, AStoreThatCannotBeReadEndsIt) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  UnsyncedStore store;
  RunningTail run(*log, store);
  ASSERT_TRUE(run.Start().ok());
  ASSERT_TRUE(run.CatchUp());
  store.FailOneRead(5);
  Fill(writer, 0, 20);
  EXPECT_FALSE(run.Failure().ok());
  run.Stop();
  FoldAll(*log, store);
  EXPECT_EQ(Folded(store), 20u);
}

TEST(TailRunner, APartitionWhoseLogWasTrimmedStopsAlone) {
  testing::MoodyLog log("contacts");
  MemoryStore store;
  RunningTail run(log, store);
  ASSERT_TRUE(run.Start().ok());
  ASSERT_TRUE(run.CatchUp());
  log.trimmed = 3;
  PositionTracker& tracker = run.tracker();
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + kPatience;
  while (tracker.Check(3).ok() && clock.Monotonic() < deadline) std::this_thread::yield();
  EXPECT_EQ(tracker.Check(3).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(tracker.Check(3)), "LOG_TRIMMED");
  EXPECT_TRUE(tracker.Check(4).ok());
  bool reached = true;
  tracker.WhenReached({{3, 100}}, kForever, [&](bool there) { reached = there; });
  EXPECT_FALSE(reached) << "waits for what will not come";
  // The others go on.
  Record own;
  own.kind = RecordKind::kOwn;
  for (const Partition p : {2, 4}) {
    ASSERT_TRUE(
        log.Append(p, std::make_shared<const std::vector<Record>>(1, own), [](auto) {}).ok());
  }
  while (clock.Monotonic() < deadline && (tracker.Get(2) < 2 || tracker.Get(4) < 2)) {
    std::this_thread::yield();
  }
  EXPECT_EQ(tracker.Get(2), 2);
  EXPECT_EQ(tracker.Get(4), 2);
}

TEST(TailRunner, ALogThatIsAwayForAWhileEndsNothing) {
  testing::MoodyLog log("contacts");
  MemoryStore store;
  RunningTail run(log, store);
  ASSERT_TRUE(run.Start().ok());
  ASSERT_TRUE(run.CatchUp());
  log.away = true;
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + kPatience;
  while (log.failed_polls == 0 && clock.Monotonic() < deadline) std::this_thread::yield();
  Record own;
  own.kind = RecordKind::kOwn;
  ASSERT_TRUE(log.Append(0, std::make_shared<const std::vector<Record>>(1, own), [](auto) {}).ok());
  log.away = false;
  EXPECT_TRUE(run.CatchUp());
}

TEST(TailRunner, StopsWhileTheLogIsSilent) {
  const auto log = EmptyLog();
  MemoryStore store;
  RunningTail run(*log, store);
  ASSERT_TRUE(run.Start().ok());
  run.Stop();
  run.Stop();
}

}  // namespace
}  // namespace crm
