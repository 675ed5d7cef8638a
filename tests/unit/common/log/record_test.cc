#include "common/log/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/bytes.h"

namespace crm {
namespace {

Record Sample() {
  Record record;
  record.key = "default/contacts/c1";
  record.fence = 7;
  record.seq = 3;
  record.last = true;
  record.value = "value";
  return record;
}

TEST(RecordHash, EveryPartCountsButTheOffset) {
  std::set<std::string> hashes = {RecordHash(Sample())};
  const auto add = [&](auto change) {
    Record record = Sample();
    change(&record);
    EXPECT_TRUE(hashes.insert(RecordHash(record)).second);
  };
  add([](Record* r) { r->kind = RecordKind::kOwn; });
  add([](Record* r) { r->key += "x"; });
  add([](Record* r) { r->fence = 8; });
  add([](Record* r) { r->seq = 4; });
  add([](Record* r) { r->last = false; });
  add([](Record* r) { r->value = "other"; });
  add([](Record* r) { r->fence = 3, r->seq = 7; });
  Record moved = Sample();
  moved.offset = 99;
  EXPECT_EQ(RecordHash(moved), RecordHash(Sample()));
}

TEST(RecordHash, PiecesCannotShiftIntoOneAnother) {
  Record left = Sample();
  left.key = "ab", left.value = "c";
  Record right = Sample();
  right.key = "a", right.value = "bc";
  EXPECT_NE(RecordHash(left), RecordHash(right));
}

// Stored positions hold this hash: a change would make every projection refuse its log.
TEST(RecordHash, IsPinned) {
  EXPECT_EQ(RecordHash(Sample()).size(), 16u);
  EXPECT_EQ(Hex(RecordHash(Sample())), "ecc65a92e4cd0c6ca9efd15240630aed");
}

TEST(EventId, NamesEpochPartitionFenceAndSequence) {
  EXPECT_EQ(EventId(2, 15, Sample()), "2-15-7-3");
}

TEST(KindName, EveryKindHasItsOwn) {
  std::set<std::string_view> names;
  for (int kind = 1; kind <= 5; ++kind) names.insert(KindName(static_cast<RecordKind>(kind)));
  EXPECT_THAT(names, testing::ElementsAre("epoch", "event", "genesis", "own", "release"));
}

}  // namespace
}  // namespace crm
