#include "common/projection/buffered_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "common/base/bytes.h"
#include "common/storage/memory_store.h"
#include "tests/support/test_seed.h"

namespace crm {
namespace {

using RowMap = std::map<std::string, std::string>;

RowMap RowsOf(const Store& store) {
  RowMap rows;
  for (auto it = store.Scan("", ""); it->Valid(); it->Next()) rows.emplace(it->key(), it->value());
  return rows;
}

// Few keys of few bytes, so that they repeat and are prefixes of one another.
std::string RandomKey(std::mt19937& random, Partition partition) {
  std::string key{static_cast<char>(partition), random() % 2 == 0 ? 'a' : 'h'};
  for (size_t i = random() % 12; i > 0; --i) key.push_back("xy"[random() % 2]);
  return key;
}

void ErasePrefix(RowMap* rows, const std::string& prefix) {
  auto from = rows->lower_bound(prefix);
  while (from != rows->end() && from->first.starts_with(prefix)) from = rows->erase(from);
}

void Change(std::mt19937& random, Partition partition, BufferedRows* rows, RowMap* wanted) {
  std::string key = RandomKey(random, partition);
  switch (random() % 10) {
    case 0:
      ErasePrefix(wanted, key);
      return rows->DeletePrefix(std::move(key));
    case 1:
    case 2:
      wanted->erase(key);
      return rows->Delete(std::move(key));
    default: {
      std::string value(random() % 20, static_cast<char>('a' + random() % 26));
      (*wanted)[key] = value;
      return rows->Put(std::move(key), std::move(value));
    }
  }
}

TEST(BufferedRows, BehavesLikeAMapWhereverItSpills) {
  std::mt19937 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    MemoryStore store;
    BufferedRows rows(store);
    RowMap wanted;
    const unsigned spill_every = 1 + random() % 200;
    for (Partition p = 0; p < 4; ++p) {
      for (int i = 0; i < 100; ++i) {
        Change(random, p, &rows, &wanted);
        if (random() % spill_every == 0) {
          ASSERT_TRUE(rows.Spill().ok());
        }
        if (random() % 4 != 0) continue;
        const std::string key = RandomKey(random, p);
        const auto row = rows.Get(key);
        ASSERT_TRUE(row.ok());
        const auto expected = wanted.find(key);
        ASSERT_EQ(row->has_value(), expected != wanted.end()) << Hex(key);
        if (row->has_value()) {
          ASSERT_EQ(**row, expected->second);
        }
      }
      ASSERT_TRUE(rows.Leave().ok());
    }
    ASSERT_TRUE(rows.Spill().ok());
    ASSERT_EQ(rows.bytes(), 0);
    ASSERT_EQ(RowsOf(store), wanted) << "round " << round;
  }
}

TEST(BufferedRows, LargeRowsAreKeptWhole) {
  MemoryStore store;
  BufferedRows rows(store);
  const std::string large(3 << 20, 'v');
  rows.Put(std::string("\0a1", 3), large);
  rows.Put(std::string("\0a2", 3), "small");
  EXPECT_GT(rows.bytes(), int64_t{3} << 20);
  ASSERT_TRUE(rows.Spill().ok());
  EXPECT_EQ(RowsOf(store),
            (RowMap{{std::string("\0a1", 3), large}, {std::string("\0a2", 3), "small"}}));
}

}  // namespace
}  // namespace crm
