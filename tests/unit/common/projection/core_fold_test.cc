#include <gtest/gtest.h>

#include <algorithm>

#include "common/aggregate/core_rows.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/projection/bulk_rebuild.h"
#include "tests/unit/common/projection/core_histories.h"

namespace crm {
namespace {

using testing::ContactSchema;
using testing::DumpHashes;
using testing::FoldLive;
using testing::HistoryOptions;
using testing::RandomHistory;
using testing::TestSealer;

const CoreProjection& Core() {
  static const auto* core = new CoreProjection(testing::ContactTypes(), 1);
  return *core;
}

std::unique_ptr<MemoryStore> Bulk(MemoryLog& log, TestSealer& sealer, int64_t buffer,
                                  int threads = 1) {
  auto store = std::make_unique<MemoryStore>();
  RebuildOptions options;
  options.threads = threads;
  options.buffer_bytes = buffer;
  EXPECT_TRUE(BulkRebuild(log, Core(), {ContactSchema(), sealer}, *store, options).ok());
  return store;
}

TEST(CoreFold, TheRowsAreTheSameWhateverTheBatches) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    TestSealer sealer;
    const auto log = RandomHistory({.seed = seed}, sealer);
    const auto one_by_one = DumpHashes(*FoldLive(*log, Core(), sealer, 1), Core());
    for (const size_t batch : {2, 7, 10'000}) {
      EXPECT_EQ(DumpHashes(*FoldLive(*log, Core(), sealer, batch), Core()), one_by_one)
          << "seed " << seed << " batch " << batch;
    }
  }
}

TEST(CoreFold, ABulkRebuildGivesTheRowsOfFoldingLive) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    TestSealer sealer;
    const auto log = RandomHistory({.seed = seed, .commands = 400}, sealer);
    const auto live = DumpHashes(*FoldLive(*log, Core(), sealer, 16), Core());
    // The smaller ones spill after every batch, in the midst of subjects' histories.
    for (const int64_t buffer : {1, 1000, 20'000, 1 << 30}) {
      EXPECT_EQ(DumpHashes(*Bulk(*log, sealer, buffer, 3), Core()), live);
      const auto bulk = Bulk(*log, sealer, buffer);
      EXPECT_EQ(DumpHashes(*bulk, Core()), live) << "seed " << seed << " buffer " << buffer;
      for (const Partition p : {0, 5}) {
        const auto live_store = FoldLive(*log, Core(), sealer, 10'000);
        EXPECT_EQ(*bulk->Get(PositionRowKey(p)), *live_store->Get(PositionRowKey(p)));
      }
    }
  }
}

TEST(CoreFold, AFoldResumesWhereItsStoreStands) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    TestSealer sealer;
    const auto log = RandomHistory({.seed = seed}, sealer);
    const auto whole = DumpHashes(*FoldLive(*log, Core(), sealer, 16), Core());
    MemoryStore store;
    SeededRandom random(seed);
    for (const Partition p : {0, 5}) {
      const std::vector<Record> records = testing::ReadAll(*log, p);
      // Each round is a process that dies after some records; what it did not write is read again.
      while (true) {
        const auto position = LoadPosition(store, p);
        ASSERT_TRUE(position.ok());
        BatchRows rows(store);
        PartitionFold fold(Core(), {ContactSchema(), sealer}, log->identity(), p, *position, rows);
        const size_t from = static_cast<size_t>(position->stored);
        const size_t to = std::min(records.size(), from + 1 + random.Next64() % 50);
        for (size_t i = from; i < to; ++i) ASSERT_TRUE(fold.Accept(records[i]).ok());
        ASSERT_TRUE(fold.Flush().ok());
        ASSERT_TRUE(store.Write(rows.Take()).ok());
        if (to == records.size()) break;
      }
    }
    EXPECT_EQ(DumpHashes(store, Core()), whole) << "seed " << seed;
  }
}

TEST(CoreFold, ARecordThatIsMissingIsTold) {
  TestSealer sealer;
  MemoryStore store;
  BatchRows rows(store);
  PartitionFold fold(Core(), {ContactSchema(), sealer}, {}, 0, {}, rows);
  Record record;
  record.offset = 1;
  EXPECT_EQ(ReasonOf(fold.Accept(record)), "LOG_HOLE");
}

TEST(CoreFold, UnreadableRecordsAreCountedAndKept) {
  TestSealer sealer;
  HistoryOptions options{.seed = 3, .rubbish = false};
  const auto log = RandomHistory(options, sealer);
  const std::string name = testing::SubjectsIn(0, "acme", 1).front();
  sealer.Lose("acme", name);
  MemoryStore store;
  const auto progress =
      BulkRebuild(*log, Core(), {ContactSchema(), sealer}, store, RebuildOptions{});
  ASSERT_TRUE(progress.ok());
  EXPECT_GT(progress->unreadable, 0);
  EXPECT_FALSE(store.Get(AggregateKey(0, "acme", name))->has_value());
  EXPECT_TRUE(store.Get(MarkKey(0, "acme", name))->has_value());
  EXPECT_EQ(progress->records_read, progress->records_total);
}

TEST(CoreFold, ARebuildStopsWhenTold) {
  TestSealer sealer;
  const auto log = RandomHistory({}, sealer);
  MemoryStore store;
  RebuildOptions options;
  options.progress = [](const RebuildProgress&) { return false; };
  for (options.threads = 1; options.threads <= 3; ++options.threads) {
    EXPECT_EQ(BulkRebuild(*log, Core(), {ContactSchema(), sealer}, store, options).status().code(),
              absl::StatusCode::kCancelled);
  }
}

TEST(CoreFold, ARebuildUpToAPositionEqualsFoldingUpToIt) {
  TestSealer sealer;
  const auto log = RandomHistory({.seed = 9, .partitions = {0}}, sealer);
  const std::vector<Record> records = testing::ReadAll(*log, 0);
  for (const Offset until : {Offset{0}, Offset{1}, Offset{50}, Offset{120}}) {
    MemoryStore bulk;
    RebuildOptions options;
    options.until.assign(kPartitions, 0);
    options.until[0] = until;
    ASSERT_TRUE(BulkRebuild(*log, Core(), {ContactSchema(), sealer}, bulk, options).ok());
    MemoryStore live;
    BatchRows rows(live);
    PartitionFold fold(Core(), {ContactSchema(), sealer}, log->identity(), 0, {}, rows);
    for (Offset i = 0; i < until; ++i) {
      ASSERT_TRUE(fold.Accept(records[static_cast<size_t>(i)]).ok());
    }
    ASSERT_TRUE(fold.Flush().ok());
    ASSERT_TRUE(live.Write(rows.Take()).ok());
    EXPECT_EQ(DumpHashes(bulk, Core()), DumpHashes(live, Core()));
  }
}

// DESIGN, the erasure law: fold(shredded history) + SubjectErased =
// fold(plain history) + SubjectErased.
TEST(CoreFold, AnErasedSubjectLeavesTheSameRowsWhetherItsKeysWereThereOrNot) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const HistoryOptions options{
        .seed = seed, .commands = 150, .erasures = false, .rubbish = false};
    TestSealer sealer;
    const auto log = RandomHistory(options, sealer);
    testing::EraseAll(*log, sealer, options);
    const auto plain = FoldLive(*log, Core(), sealer, 16);
    TestSealer shredded;
    for (const Partition p : options.partitions) {
      for (const std::string& name : testing::SubjectsIn(p, "acme", options.subjects)) {
        shredded.Destroy("acme", name);
      }
    }
    EXPECT_EQ(DumpHashes(*FoldLive(*log, Core(), shredded, 16), Core()), DumpHashes(*plain, Core()))
        << "seed " << seed;
    EXPECT_EQ(DumpHashes(*Bulk(*log, shredded, 500), Core()), DumpHashes(*plain, Core()));
  }
}

TEST(CoreFold, ErasureTakesPersonalValuesOutOfTheState) {
  const HistoryOptions options{.seed = 4, .erasures = false, .rubbish = false};
  TestSealer sealer;
  const auto log = RandomHistory(options, sealer);
  testing::EraseAll(*log, sealer, options);
  const auto store = FoldLive(*log, Core(), sealer, 16);
  const auto rows = store->Scan("", "");
  for (; rows->Valid(); rows->Next()) {
    EXPECT_EQ(rows->value().find("@example.com"), std::string_view::npos);
    const char family = rows->key()[1];
    EXPECT_TRUE(family != 'h' || IsHistoryKey(rows->key())) << "a dedup row was left";
    EXPECT_TRUE(family != 'a' || BirthOfRow(rows->value())->request_id.empty());
  }
}

TEST(Dump, BusinessLinesLeaveOutWhenAndHowOften) {
  TestSealer sealer;
  const auto log = RandomHistory({.seed = 2, .erasures = false, .rubbish = false}, sealer);
  const auto store = FoldLive(*log, Core(), sealer, 16);
  int lines = 0;
  const auto summary =
      DumpPartition(*store, Core(), 0, DumpKind::kBusiness, [&](const std::string& line) {
        ++lines;
        EXPECT_NE(line.find("name "), std::string::npos);
        EXPECT_EQ(line.find("etag"), std::string::npos);
        EXPECT_EQ(line.find("_time"), std::string::npos);
      });
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(summary->rows, lines);
  EXPECT_GT(lines, 0);
}

TEST(Dump, AChangedByteChangesTheHash) {
  TestSealer sealer;
  const auto log = RandomHistory({.seed = 2}, sealer);
  const auto store = FoldLive(*log, Core(), sealer, 16);
  const auto before = DumpHashes(*store, Core());
  RowBatch batch;
  const auto rows = store->Scan(std::string(1, '\0') + "h", "");
  std::string value(rows->value());
  value.back() = static_cast<char>(value.back() ^ 1);
  batch.Put(std::string(rows->key()), value);
  ASSERT_TRUE(store->Write(batch).ok());
  const auto after = DumpHashes(*store, Core());
  EXPECT_NE(after[0], before[0]);
  EXPECT_EQ(after[5], before[5]);
}

}  // namespace
}  // namespace crm
