#include "common/log/fence_filter.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/test_seed.h"

namespace crm {
namespace {

using Verdict = FenceFilter::Verdict;

Record Own(Offset offset) {
  Record record;
  record.offset = offset;
  record.kind = RecordKind::kOwn;
  return record;
}

Record Event(Offset offset, int64_t fence, int64_t seq, bool last = true) {
  Record record;
  record.offset = offset;
  record.fence = fence;
  record.seq = seq;
  record.last = last;
  return record;
}

TEST(FenceFilter, EventsBeforeTheFirstOwnerAreVoid) {
  FenceFilter filter;
  EXPECT_EQ(filter.Next(Event(0, 0, 1)), Verdict::kVoid);
  EXPECT_EQ(filter.Next(Event(1, kNoOffset, 1)), Verdict::kVoid);
  EXPECT_EQ(filter.void_records(), 2);
}

TEST(FenceFilter, EventsOfTheLatestOwnerCountInSequence) {
  FenceFilter filter;
  EXPECT_EQ(filter.Next(Own(5)), Verdict::kControl);
  EXPECT_EQ(filter.Next(Event(6, 5, 1, false)), Verdict::kPartial);
  EXPECT_EQ(filter.Next(Event(7, 5, 2)), Verdict::kCommand);
  EXPECT_EQ(filter.TakeCommand().size(), 2u);
  EXPECT_EQ(filter.Next(Event(8, 5, 3)), Verdict::kCommand);
  EXPECT_EQ(filter.state(), (FenceState{5, 4}));
}

TEST(FenceFilter, DuplicatesAndGapsAreVoid) {
  FenceFilter filter;
  filter.Next(Own(0));
  filter.Next(Event(1, 0, 1));
  EXPECT_EQ(filter.Next(Event(2, 0, 1)), Verdict::kVoid);
  EXPECT_EQ(filter.Next(Event(3, 0, 3)), Verdict::kVoid);
  EXPECT_EQ(filter.Next(Event(4, 0, 2)), Verdict::kCommand);
}

TEST(FenceFilter, ALostFenceIsVoidForGood) {
  FenceFilter filter;
  filter.Next(Own(0));
  filter.Next(Own(1));
  EXPECT_EQ(filter.Next(Event(2, 0, 1)), Verdict::kVoid);
  EXPECT_EQ(filter.Next(Event(3, 1, 1)), Verdict::kCommand);
}

TEST(FenceFilter, ANewOwnerCutsAnIncompleteCommand) {
  FenceFilter filter;
  filter.Next(Own(0));
  filter.Next(Event(1, 0, 1, false));
  filter.Next(Event(2, 0, 2, false));
  filter.Next(Own(3));
  EXPECT_EQ(filter.void_records(), 2);
  EXPECT_EQ(filter.Next(Event(4, 0, 3)), Verdict::kVoid);
  EXPECT_EQ(filter.Next(Event(5, 3, 1)), Verdict::kCommand);
  EXPECT_EQ(filter.TakeCommand().front().offset, 5);
}

TEST(FenceFilter, OtherControlRecordsMoveNothing) {
  FenceFilter filter;
  filter.Next(Own(0));
  filter.Next(Event(1, 0, 1, false));
  for (RecordKind kind : {RecordKind::kRelease, RecordKind::kGenesis, RecordKind::kEpoch}) {
    Record record = Own(2);
    record.kind = kind;
    EXPECT_EQ(filter.Next(record), Verdict::kControl);
  }
  EXPECT_EQ(filter.Next(Event(3, 0, 2)), Verdict::kCommand);
}

TEST(FenceFilter, ACommandNotTakenIsForgottenWithTheNextRecord) {
  FenceFilter filter;
  filter.Next(Own(0));
  filter.Next(Event(1, 0, 1));
  filter.Next(Event(2, 0, 2));
  EXPECT_EQ(filter.TakeCommand().front().seq, 2);
  EXPECT_EQ(filter.void_records(), 0);
}

// A reader that resumes at any command's end with the stored state takes what one reader takes.
TEST(FenceFilter, ResumesAtTheEndOfAnyCommand) {
  std::mt19937 random(TestSeed());
  std::vector<Record> records;
  Offset fence = kNoOffset;
  int64_t seq = 1;
  for (Offset offset = 0; offset < 2000; ++offset) {
    const unsigned dice = random() % 10;
    if (dice == 0) {
      records.push_back(Own(fence = offset));
      seq = 1;
    } else if (dice < 8) {
      records.push_back(Event(offset, fence, seq++, random() % 3 != 0));
    } else {
      records.push_back(Event(offset, fence - static_cast<int>(random() % 2),
                              seq + static_cast<int>(random() % 3), true));
    }
  }
  FenceFilter whole;
  std::vector<std::pair<size_t, FenceState>> ends;
  std::vector<Offset> taken;
  for (size_t i = 0; i < records.size(); ++i) {
    if (whole.Next(records[i]) != Verdict::kCommand) continue;
    for (const Record& record : whole.TakeCommand()) taken.push_back(record.offset);
    ends.emplace_back(i + 1, whole.state());
  }
  ASSERT_FALSE(ends.empty());
  for (const auto& [from, state] : ends) {
    FenceFilter resumed(state);
    std::vector<Offset> rest;
    for (size_t i = from; i < records.size(); ++i) {
      if (resumed.Next(records[i]) != Verdict::kCommand) continue;
      for (const Record& record : resumed.TakeCommand()) rest.push_back(record.offset);
    }
    ASSERT_TRUE(std::equal(rest.rbegin(), rest.rend(), taken.rbegin()));
    ASSERT_LE(rest.size(), taken.size());
  }
}

}  // namespace
}  // namespace crm
