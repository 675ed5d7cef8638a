#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/storage/store.h"
#include "tests/support/test_seed.h"

// What every store promises. A store takes part with one type:
//
//   struct Home {
//     Store& store();   empty at first
//   };
namespace crm {

using RowMap = std::map<std::string, std::string>;

inline RowMap RowsOf(const RowReader& reader, const std::string& begin = "",
                     const std::string& end = "") {
  RowMap rows;
  const auto it = reader.Scan(begin, end);
  for (; it->Valid(); it->Next()) {
    EXPECT_TRUE(rows.empty() || rows.rbegin()->first < it->key());
    rows.emplace(it->key(), it->value());
  }
  EXPECT_TRUE(it->status().ok()) << it->status();
  auto row = rows.rbegin();
  const auto back = reader.ScanBack(begin, end);
  for (; back->Valid() && row != rows.rend(); back->Next(), ++row) {
    EXPECT_EQ(back->key(), row->first);
    EXPECT_EQ(back->value(), row->second);
  }
  EXPECT_TRUE(!back->Valid() && row == rows.rend() && back->status().ok()) << back->status();
  return rows;
}

inline std::optional<std::string> RowOf(const RowReader& reader, const std::string& key) {
  auto row = reader.Get(key);
  EXPECT_TRUE(row.ok()) << row.status();
  return row.ok() ? *row : std::nullopt;
}

inline absl::Status PutRow(Store& store, const std::string& key, const std::string& value) {
  RowBatch batch;
  batch.Put(key, value);
  return store.Write(batch);
}

// What a batch does, by the book.
inline void ApplyTo(RowMap* rows, const RowBatch& batch) {
  for (const RowBatch::Op& op : batch.ops()) {
    if (op.kind == RowBatch::Kind::kPut) (*rows)[op.key] = op.value;
    if (op.kind == RowBatch::Kind::kDelete) rows->erase(op.key);
    if (op.kind != RowBatch::Kind::kDeletePrefix) continue;
    std::erase_if(*rows, [&](const auto& row) { return row.first.starts_with(op.key); });
  }
}

// Short keys over a small alphabet with both ends of the byte range, so that everything collides.
inline std::string RandomKey(std::mt19937& random) {
  constexpr char kAlphabet[] = {'\0', 'a', 'b', '\xff'};
  std::string key(random() % 4, 'a');
  for (char& c : key) c = kAlphabet[random() % sizeof(kAlphabet)];
  return key;
}

inline RowBatch RandomBatch(std::mt19937& random) {
  RowBatch batch;
  for (unsigned i = 0; i < 1 + random() % 6; ++i) {
    const unsigned dice = random() % 10;
    if (dice < 6) batch.Put(RandomKey(random), std::to_string(random()));
    if (dice >= 6 && dice < 9) batch.Delete(RandomKey(random));
    if (dice == 9) batch.DeletePrefix(RandomKey(random));
  }
  return batch;
}

template <typename Home>
class StoreSuite : public ::testing::Test {
 protected:
  Home home_;
  Store& store() { return home_.store(); }
};

TYPED_TEST_SUITE_P(StoreSuite);

TYPED_TEST_P(StoreSuite, ReadsWhatWasWritten) {
  ASSERT_TRUE(PutRow(this->store(), "a", "1").ok());
  EXPECT_EQ(RowOf(this->store(), "a"), "1");
  EXPECT_EQ(RowOf(this->store(), "b"), std::nullopt);
  ASSERT_TRUE(PutRow(this->store(), "a", "").ok());
  EXPECT_EQ(RowOf(this->store(), "a"), "");
}

TYPED_TEST_P(StoreSuite, ABatchAppliesInOrder) {
  RowBatch batch;
  batch.Put("p1", "old");
  batch.DeletePrefix("p");
  batch.Put("p2", "new");
  batch.Delete("p3");
  batch.Put("p3", "kept");
  batch.Put("q", "gone");
  batch.Delete("q");
  ASSERT_TRUE(this->store().Write(batch).ok());
  EXPECT_EQ(RowsOf(this->store()), (RowMap{{"p2", "new"}, {"p3", "kept"}}));
}

TYPED_TEST_P(StoreSuite, ScansHalfOpenRanges) {
  for (const char* key : {"a", "b", "c", "d"}) ASSERT_TRUE(PutRow(this->store(), key, key).ok());
  EXPECT_EQ(RowsOf(this->store(), "b", "d"), (RowMap{{"b", "b"}, {"c", "c"}}));
  EXPECT_EQ(RowsOf(this->store(), "c", ""), (RowMap{{"c", "c"}, {"d", "d"}}));
  EXPECT_EQ(RowsOf(this->store(), "d", "b"), RowMap());
  EXPECT_EQ(RowsOf(this->store(), "aa", "b"), RowMap());
}

TYPED_TEST_P(StoreSuite, SnapshotsAndIteratorsStandStill) {
  ASSERT_TRUE(PutRow(this->store(), "a", "1").ok());
  const auto snapshot = this->store().Snapshot();
  const auto iterator = this->store().Scan("", "");
  RowBatch batch;
  batch.Put("a", "2");
  batch.Put("b", "2");
  ASSERT_TRUE(this->store().Write(batch).ok());
  ASSERT_TRUE(this->store().Ingest({{"a", "3"}, {"c", "3"}}).ok());
  EXPECT_EQ(RowsOf(*snapshot), (RowMap{{"a", "1"}}));
  EXPECT_EQ(RowOf(*snapshot, "a"), "1");
  EXPECT_EQ(RowOf(*snapshot, "b"), std::nullopt);
  ASSERT_TRUE(iterator->Valid());
  EXPECT_EQ(iterator->value(), "1");
  iterator->Next();
  EXPECT_FALSE(iterator->Valid());
  EXPECT_EQ(RowsOf(this->store()), (RowMap{{"a", "3"}, {"b", "2"}, {"c", "3"}}));
}

TYPED_TEST_P(StoreSuite, IngestedRowsReplaceOthers) {
  ASSERT_TRUE(PutRow(this->store(), "a", "written").ok());
  ASSERT_TRUE(PutRow(this->store(), "d", "written").ok());
  const SortedRows rows = {{"a", "ingested"}, {"b", "ingested"}};
  ASSERT_TRUE(this->store().Ingest(rows).ok());
  ASSERT_TRUE(this->store().Ingest({}).ok());
  ASSERT_TRUE(PutRow(this->store(), "b", "later").ok());
  EXPECT_EQ(RowsOf(this->store()), (RowMap{{"a", "ingested"}, {"b", "later"}, {"d", "written"}}));
  EXPECT_TRUE(this->store().Verify().ok());
}

TYPED_TEST_P(StoreSuite, DeletingTheEmptyPrefixDeletesAll) {
  ASSERT_TRUE(PutRow(this->store(), "a", "1").ok());
  ASSERT_TRUE(PutRow(this->store(), std::string(300, '\xff'), "1").ok());
  RowBatch batch;
  batch.DeletePrefix("");
  batch.Put("z", "1");
  ASSERT_TRUE(this->store().Write(batch).ok());
  EXPECT_EQ(RowsOf(this->store()), (RowMap{{"z", "1"}}));
}

TYPED_TEST_P(StoreSuite, BehavesLikeAMap) {
  std::mt19937 random(TestSeed());
  RowMap wanted;
  std::vector<std::pair<std::unique_ptr<RowReader>, RowMap>> snapshots;
  for (int round = 0; round < 600; ++round) {
    if (random() % 25 == 0) {
      RowMap sorted;
      for (int i = 0; i < 5; ++i) sorted[RandomKey(random)] = std::to_string(random());
      ASSERT_TRUE(this->store().Ingest({sorted.begin(), sorted.end()}).ok());
      for (const auto& [key, value] : sorted) wanted[key] = value;
    } else {
      const RowBatch batch = RandomBatch(random);
      ASSERT_TRUE(this->store().Write(batch).ok());
      ApplyTo(&wanted, batch);
    }
    if (random() % 50 == 0) snapshots.emplace_back(this->store().Snapshot(), wanted);
    const std::string key = RandomKey(random);
    const auto row = wanted.find(key);
    ASSERT_EQ(RowOf(this->store(), key),
              row == wanted.end() ? std::nullopt : std::optional<std::string>(row->second));
    if (random() % 10 == 0) {
      ASSERT_EQ(RowsOf(this->store()), wanted);
    }
  }
  for (const auto& [snapshot, rows] : snapshots) ASSERT_EQ(RowsOf(*snapshot), rows);
  snapshots.clear();
  EXPECT_TRUE(this->store().Verify().ok());
}

// Two rows are always written together; no reader ever sees them differ.
TYPED_TEST_P(StoreSuite, ReadersNeverSeeHalfABatch) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto snapshot = this->store().Snapshot();
        ASSERT_EQ(RowOf(*snapshot, "left"), RowOf(*snapshot, "right"));
        const RowMap rows = RowsOf(*snapshot);
        ASSERT_TRUE(rows.empty() || rows.at("left") == rows.at("right"));
        const auto row = this->store().Scan("", "");
        if (!row->Valid()) continue;
        const std::string left(row->value());
        row->Next();
        ASSERT_TRUE(row->Valid() && row->value() == left);
      }
    });
  }
  for (int i = 0; i < 500; ++i) {
    RowBatch batch;
    batch.Put("left", std::to_string(i));
    batch.Put("right", std::to_string(i));
    ASSERT_TRUE(this->store().Write(batch).ok());
  }
  stop = true;
  for (auto& reader : readers) reader.join();
}

REGISTER_TYPED_TEST_SUITE_P(StoreSuite, ReadsWhatWasWritten, ABatchAppliesInOrder,
                            ScansHalfOpenRanges, SnapshotsAndIteratorsStandStill,
                            IngestedRowsReplaceOthers, DeletingTheEmptyPrefixDeletesAll,
                            BehavesLikeAMap, ReadersNeverSeeHalfABatch);

}  // namespace crm
