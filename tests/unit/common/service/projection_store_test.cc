#include "common/service/projection_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <limits>
#include <thread>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/projection/dump.h"
#include "common/projection/tail_runner.h"
#include "common/service/served_projection.h"
#include "common/storage/memory_store.h"
#include "tests/support/contact_log.h"
#include "tests/support/damage.h"
#include "tests/support/temp_directory.h"

namespace crm {
namespace {

namespace fs = std::filesystem;
using testing::ContactLog;
using testing::ContactSource;
using testing::EmptyLog;

constexpr TimeNs kPatience = 30 * kSecond;

const CoreProjection& Core() {
  static const auto* core = new CoreProjection(testing::ContactTypes(), 1);
  return *core;
}

std::vector<std::string> Dump(const RowReader& store) {
  std::vector<std::string> hashes;
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto dump = DumpPartition(store, Core(), p, DumpKind::kCanonical, nullptr);
    hashes.push_back(dump.ok() ? dump->hash : std::string(dump.status().message()));
  }
  return hashes;
}

// What a store of the whole log holds.
std::vector<std::string> Wanted(Log& log) {
  MemoryStore store;
  EXPECT_TRUE(BulkRebuild(log, Core(), ContactSource(), store, {}).ok());
  return Dump(store);
}

class ProjectionStoreTest : public ::testing::Test {
 protected:
  ProjectionStore On(Log& log) {
    ProjectionStore::Options options;
    options.root = directory_.path();
    options.store.budget = &budget_;
    options.note = [this](const std::string& note) { notes_.push_back(note); };
    return ProjectionStore(std::move(options), log, Core(), ContactSource());
  }
  // Opens, closes, and answers the dump.
  std::vector<std::string> DumpOf(Log& log) {
    const auto store = On(log).Open();
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? Dump(**store) : std::vector<std::string>();
  }
  std::string path() const { return directory_.File("core-1"); }
  size_t set_aside() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      count += entry.path().string().find(".damaged-") != std::string::npos;
    }
    return count;
  }
  // Changes each byte of the largest file of rows.
  void Damage() const {
    std::string largest;
    for (const std::string& file : FilesBelow(path())) {
      if (!file.ends_with(".sst")) continue;
      if (largest.empty() || fs::file_size(file) > fs::file_size(largest)) largest = file;
    }
    ASSERT_FALSE(largest.empty());
    for (uintmax_t at = 0; at < fs::file_size(largest); ++at) {
      Apply({largest, static_cast<int64_t>(at), 0x41});
    }
  }

  TempDirectory directory_;
  StorageBudget budget_{32 << 20};
  std::vector<std::string> notes_;
};

void Fill(ContactLog& writer, int from, int to) {
  for (int i = from; i < to; ++i) writer.Create("c" + std::to_string(i), "Ada");
}

TEST_F(ProjectionStoreTest, AMissingStoreIsBuiltAndASoundOneOpened) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  Fill(writer, 0, 60);
  EXPECT_EQ(DumpOf(*log), Wanted(*log));
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_NE(notes_[0].find("not there yet"), std::string::npos);
  const auto built = Wanted(*log);
  Fill(writer, 60, 90);
  // Neither rebuilt nor folded further: that is the tail's work.
  EXPECT_EQ(DumpOf(*log), built);
  EXPECT_EQ(notes_.size(), 1u);
}

TEST_F(ProjectionStoreTest, AStoreAheadOfItsLogIsRefusedAndLeftAlone) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  Fill(writer, 0, 60);
  const auto built = DumpOf(*log);
  const auto restored = EmptyLog();
  ContactLog before(*restored);
  Fill(before, 0, 20);
  const absl::Status refused = On(*restored).Open().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), "PROJECTION_AHEAD_OF_LOG");
  EXPECT_NE(refused.message().find("crmctl log adopt-restored"), std::string::npos);
  EXPECT_EQ(DumpOf(*log), built);
  EXPECT_EQ(set_aside(), 0u);
}

TEST_F(ProjectionStoreTest, AStoreOfAnotherRecordAtItsPositionIsRefused) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  writer.Create("c1", "Ada");
  DumpOf(*log);
  const auto other = EmptyLog();
  ContactLog other_writer(*other);
  other_writer.Create("c1", "Bea");
  EXPECT_EQ(ReasonOf(On(*other).Open().status()), "PROJECTION_AHEAD_OF_LOG");
}

TEST_F(ProjectionStoreTest, AStoreOfAnotherLogIsRebuilt) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  Fill(writer, 0, 60);
  DumpOf(*log);
  const auto other = EmptyLog({"other", "check", 0});
  ContactLog other_writer(*other);
  Fill(other_writer, 100, 120);
  EXPECT_EQ(DumpOf(*other), Wanted(*other));
  ASSERT_EQ(notes_.size(), 2u);
  EXPECT_NE(notes_[1].find("another log"), std::string::npos);
}

TEST_F(ProjectionStoreTest, AStoreOfAnEarlierEpochIsRebuilt) {
  const auto log = EmptyLog({"log", "check", 0});
  ContactLog writer(*log);
  Fill(writer, 0, 60);
  DumpOf(*log);
  // Restored with fewer records, and known to be.
  const auto restored = EmptyLog({"log", "check", 1});
  ContactLog restored_writer(*restored);
  Fill(restored_writer, 0, 20);
  EXPECT_EQ(DumpOf(*restored), Wanted(*restored));
  ASSERT_EQ(notes_.size(), 2u);
}

TEST_F(ProjectionStoreTest, ADamagedStoreIsSetAsideAndRebuilt) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  Fill(writer, 0, 60);
  DumpOf(*log);
  fs::remove(path() + "/CURRENT");
  EXPECT_EQ(DumpOf(*log), Wanted(*log));
  EXPECT_EQ(set_aside(), 0u) << "what was set aside goes when its successor serves";
  Damage();
  EXPECT_EQ(DumpOf(*log), Wanted(*log));
  ASSERT_EQ(notes_.size(), 3u);
  for (const size_t i : {1u, 2u}) EXPECT_NE(notes_[i].find("damaged"), std::string::npos);
}

TEST_F(ProjectionStoreTest, AnInterruptedBuildLeavesNothingBehind) {
  const auto log = EmptyLog();
  ContactLog writer(*log);
  Fill(writer, 0, 60);
  DumpOf(*log);
  Fill(writer, 60, 90);
  EXPECT_EQ(On(*log).Build([](const RebuildProgress&) { return false; }).code(),
            absl::StatusCode::kCancelled);
  EXPECT_TRUE(fs::exists(path() + ".building"));
  DumpOf(*log);
  EXPECT_FALSE(fs::exists(path() + ".building"));
}

// --- in operation

class TailDriver final : public ProjectionDriver {
 public:
  TailDriver(Log& log, PositionTracker& tracker, Store& store,
             std::function<void(absl::Status)> failed)
      : tail_(log, Core(), ContactSource(), store, tracker, std::move(failed)) {}
  absl::Status Start() override { return tail_.Start(); }
  void Stop() override { tail_.Stop(); }

 private:
  TailRunner tail_;
};

class ServedProjectionTest : public ProjectionStoreTest {
 protected:
  ServedProjectionTest()
      : log_(EmptyLog()),
        writer_(*log_),
        served_(On(*log_), Core(), tracker_,
                [this](Store& store, std::function<void(absl::Status)> failed) {
                  fail_ = failed;
                  return std::make_unique<TailDriver>(*log_, tracker_, store, std::move(failed));
                }) {}

  bool CatchUp() {
    PositionTracker::Targets ends;
    for (Partition p = 0; p < kPartitions; ++p) ends.emplace_back(p, *log_->EndOffset(p));
    const auto reached = std::make_shared<bool>(false);
    tracker_.WhenReached(ends, std::numeric_limits<TimeNs>::max(), [this, reached](bool done) {
      MutexLock lock(mutex_);
      *reached = done;
      changed_.NotifyAll();
    });
    MutexLock lock(mutex_);
    return changed_.WaitFor(lock, kPatience, [&] { return *reached; });
  }
  void ExpectWhole() {
    ASSERT_TRUE(CatchUp());
    ASSERT_NE(served_.serving(), nullptr);
    EXPECT_EQ(Dump(*served_.serving()->store), Wanted(*log_));
  }

  std::unique_ptr<MemoryLog> log_;
  ContactLog writer_;
  PositionTracker tracker_;
  Mutex mutex_;
  CondVar changed_;
  std::function<void(absl::Status)> fail_;
  ServedProjection served_;
};

TEST_F(ServedProjectionTest, FollowsTheLogWhileItGrows) {
  Fill(writer_, 0, 40);
  ASSERT_TRUE(served_.Start().ok());
  Fill(writer_, 40, 80);
  ExpectWhole();
}

TEST_F(ServedProjectionTest, ARebuildLosesNothingThatIsAppendedMeanwhile) {
  Fill(writer_, 0, 40);
  ASSERT_TRUE(served_.Start().ok());
  ASSERT_TRUE(CatchUp());
  int next = 40;
  const absl::Status rebuilt = served_.Rebuild([&](const RebuildProgress&) {
    // The old store serves and follows while the new one is built.
    EXPECT_NE(served_.serving(), nullptr);
    Fill(writer_, next, next + 5);
    next += 5;
    return true;
  });
  ASSERT_TRUE(rebuilt.ok()) << rebuilt;
  EXPECT_GT(next, 40);
  Fill(writer_, next, next + 20);
  ExpectWhole();
}

TEST_F(ServedProjectionTest, OneRebuildAtATime) {
  Fill(writer_, 0, 10);
  ASSERT_TRUE(served_.Start().ok());
  bool asked = false;
  const absl::Status rebuilt = served_.Rebuild([&](const RebuildProgress&) {
    EXPECT_TRUE(served_.rebuilding());
    if (!std::exchange(asked, true)) {
      EXPECT_EQ(ReasonOf(served_.Rebuild({})), "REBUILD_RUNNING");
    }
    return true;
  });
  EXPECT_TRUE(rebuilt.ok());
  EXPECT_TRUE(asked);
  EXPECT_FALSE(served_.rebuilding());
  ExpectWhole();
}

TEST_F(ServedProjectionTest, ARebuildThatIsStoppedLeavesWhatServes) {
  Fill(writer_, 0, 10);
  ASSERT_TRUE(served_.Start().ok());
  const auto before = served_.serving();
  EXPECT_EQ(served_.Rebuild([](const RebuildProgress&) { return false; }).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(served_.serving(), before);
  Fill(writer_, 10, 20);
  ExpectWhole();
}

TEST_F(ServedProjectionTest, TheSwapWaitsForThoseWhoRead) {
  Fill(writer_, 0, 40);
  ASSERT_TRUE(served_.Start().ok());
  ASSERT_TRUE(CatchUp());
  const auto wanted = Wanted(*log_);
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        if (const auto serving = served_.serving()) {
          EXPECT_EQ(Dump(*serving->store), wanted);
        }
      }
    });
  }
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(served_.Rebuild({}).ok());
  done = true;
  for (std::thread& reader : readers) reader.join();
  ExpectWhole();
}

TEST_F(ServedProjectionTest, HealsOnceItsDriverFailed) {
  Fill(writer_, 0, 40);
  ASSERT_TRUE(served_.Start().ok());
  ASSERT_TRUE(CatchUp());
  const auto notes = notes_.size();
  ASSERT_TRUE(served_.HealIfNeeded().ok());
  EXPECT_EQ(notes_.size(), notes) << "nothing was wrong";
  fail_(absl::DataLossError("a row"));
  Fill(writer_, 40, 60);
  ASSERT_TRUE(served_.HealIfNeeded().ok());
  EXPECT_GT(notes_.size(), notes);
  ExpectWhole();
  const auto healed = served_.serving();
  ASSERT_TRUE(served_.HealIfNeeded().ok());
  EXPECT_EQ(served_.serving(), healed);
}

TEST_F(ServedProjectionTest, HealsWhatVerifiesAsDamagedAndLeavesWhatDoesNot) {
  Fill(writer_, 0, 40);
  ASSERT_TRUE(served_.Start().ok());
  ASSERT_TRUE(CatchUp());
  const auto sound = served_.serving().get();
  served_.ReportDamage();
  ASSERT_TRUE(served_.HealIfNeeded().ok());
  EXPECT_EQ(served_.serving().get(), sound);
  Damage();
  served_.ReportDamage();
  ASSERT_TRUE(served_.HealIfNeeded().ok());
  EXPECT_EQ(set_aside(), 0u);
  ExpectWhole();
}

TEST_F(ServedProjectionTest, NothingIsDrivenAfterStop) {
  Fill(writer_, 0, 10);
  ASSERT_TRUE(served_.Start().ok());
  ASSERT_TRUE(CatchUp());
  served_.Stop();
  fail_(absl::DataLossError("a row"));
  ASSERT_TRUE(served_.HealIfNeeded().ok());
  const auto before = Dump(*served_.serving()->store);
  Fill(writer_, 10, 20);
  EXPECT_EQ(Dump(*served_.serving()->store), before);
}

}  // namespace
}  // namespace crm
