#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "common/base/check.h"
#include "common/storage/generation.h"
#include "common/storage/memory_store.h"
#include "common/storage/rocks_store.h"
#include "tests/conformance/store_suite.h"
#include "tests/support/temp_directory.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

StorageBudget& Budget() {
  static StorageBudget budget(32 << 20);
  return budget;
}

RocksStoreOptions Options() {
  return {.budget = &Budget(), .write_buffer_bytes = 1 << 20};
}

std::unique_ptr<RocksStore> OpenOrDie(const std::string& directory) {
  auto store = RocksStore::Open(directory, Options());
  EXPECT_TRUE(store.ok()) << store.status();
  CRM_CHECK(store.ok());
  return std::move(store).value();
}

struct MemoryHome {
  Store& store() { return memory; }
  MemoryStore memory;
};

struct RocksHome {
  Store& store() { return *rocks; }
  TempDirectory directory;
  std::unique_ptr<RocksStore> rocks = OpenOrDie(directory.path());
};

using Homes = ::testing::Types<MemoryHome, RocksHome>;
INSTANTIATE_TYPED_TEST_SUITE_P(Stores, StoreSuite, Homes);

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void Copy(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

// Batch i writes row "count" = i and row "row-<i mod 500>" = i, so that any state tells which
// prefix of the batches it is.
RowBatch Numbered(int i) {
  RowBatch batch;
  batch.Put("count", std::to_string(i));
  batch.Put(fmt::format("row-{}", i % 500), std::to_string(i) + std::string(i % 300, 'x'));
  if (i % 97 == 0) batch.DeletePrefix(fmt::format("row-{}", i % 10));
  return batch;
}

// A store made of files, of rows ingested, and of rows that lie in its write-ahead log only; copied
// while it is open. Ends with batch `batches`.
void MakeStore(const std::string& made, const std::string& copy, int batches) {
  const auto store = OpenOrDie(made);
  for (int i = 1; i <= batches; ++i) {
    ASSERT_TRUE(store->Write(Numbered(i)).ok());
    // Ingesting puts what was written before into a file.
    if (i == batches / 3 || i == batches / 2) {
      ASSERT_TRUE(store->Ingest({{"zz-ingested", std::to_string(i)}}).ok());
    }
  }
  Copy(made, copy);
}

RowMap Expected(int batches, int of) {
  RowMap rows;
  for (int i = 1; i <= batches; ++i) {
    ApplyTo(&rows, Numbered(i));
    if (i == of / 3 || i == of / 2) rows["zz-ingested"] = std::to_string(i);
  }
  return rows;
}

// Reads all rows by scan and each by Get. Absent: something answered DATA_LOSS.
std::optional<RowMap> ReadOrDamage(const RocksStore& store) {
  RowMap rows;
  const auto it = store.Scan("", "");
  for (; it->Valid(); it->Next()) rows.emplace(it->key(), it->value());
  if (!it->status().ok()) {
    EXPECT_EQ(it->status().code(), absl::StatusCode::kDataLoss) << it->status();
    return std::nullopt;
  }
  for (const auto& [key, value] : rows) {
    const auto row = store.Get(key);
    if (!row.ok()) {
      EXPECT_EQ(row.status().code(), absl::StatusCode::kDataLoss) << row.status();
      return std::nullopt;
    }
    EXPECT_EQ(*row, value);
  }
  return rows;
}

TEST(RocksStore, ReopensWithAllRows) {
  TempDirectory directory;
  for (int round = 0; round < 3; ++round) {
    const auto store = OpenOrDie(directory.path());
    EXPECT_EQ(RowsOf(*store).size(), static_cast<size_t>(round));
    ASSERT_TRUE(PutRow(*store, std::to_string(round), "v").ok());
  }
}

TEST(RocksStore, WrittenIsThereAfterKill) {
  TempDirectory home;
  MakeStore(home.File("made"), home.File("copy"), 1000);
  const auto store = OpenOrDie(home.File("copy"));
  EXPECT_EQ(RowsOf(*store), Expected(1000, 1000));
}

TEST(RocksStore, AMissingCurrentOrManifestIsDamage) {
  TempDirectory home;
  MakeStore(home.File("made"), home.File("copy"), 100);
  fs::remove(home.File("copy") + "/CURRENT");
  EXPECT_EQ(RocksStore::Open(home.File("copy"), Options()).status().code(),
            absl::StatusCode::kDataLoss);
}

// A cut write-ahead log gives a prefix of the batches.
TEST(RocksStore, ACutWriteAheadLogLeavesAPrefix) {
  TempDirectory home;
  MakeStore(home.File("made"), home.File("crashed"), 300);
  const std::string copy = home.File("copy");
  std::mt19937 random(TestSeed());
  for (int round = 0; round < 30; ++round) {
    Copy(home.File("crashed"), copy);
    for (const auto& entry : fs::directory_iterator(copy)) {
      if (entry.path().extension() != ".log") continue;
      fs::resize_file(entry.path(), random() % (fs::file_size(entry.path()) + 1));
    }
    const auto store = OpenOrDie(copy);
    const RowMap rows = RowsOf(*store);
    const int count = std::stoi(rows.at("count"));
    ASSERT_GE(count, 150);
    ASSERT_EQ(rows, Expected(count, 300));
  }
}

// DATA_LOSS, or all rows, or the rows of a prefix of the batches; never a wrong row.
TEST(RocksStore, AFlippedByteNeverServesAWrongRow) {
  TempDirectory home;
  constexpr int kBatches = 900;
  MakeStore(home.File("made"), home.File("crashed"), kBatches);
  const std::string copy = home.File("copy");
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(home.File("crashed"))) {
    const std::string name = entry.path().filename();
    if (fs::file_size(entry.path()) > 0 && name != "LOG") files.push_back(name);
  }
  std::mt19937 random(TestSeed());
  int damaged = 0;
  int prefixes = 0;
  for (int round = 0; round < 300; ++round) {
    Copy(home.File("crashed"), copy);
    const std::string file = copy + "/" + files[random() % files.size()];
    std::string bytes = ReadFile(file);
    const size_t at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    WriteFile(file, bytes);
    SCOPED_TRACE(fmt::format("{} byte {} of {}", file, at, bytes.size()));
    const auto store = RocksStore::Open(copy, Options());
    if (!store.ok()) {
      ASSERT_EQ(store.status().code(), absl::StatusCode::kDataLoss) << store.status();
      ++damaged;
      continue;
    }
    const absl::Status verified = (*store)->Verify();
    if (!verified.ok()) {
      ASSERT_EQ(verified.code(), absl::StatusCode::kDataLoss) << verified;
      ++damaged;
    }
    const std::optional<RowMap> rows = ReadOrDamage(**store);
    if (!rows) continue;
    const int count = std::stoi(rows->at("count"));
    ASSERT_EQ(*rows, Expected(count, kBatches));
    if (count < kBatches) ++prefixes;
  }
  std::printf("%d damaged, %d prefixes\n", damaged, prefixes);
  EXPECT_GT(damaged, 100);
}

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Generation, SetsADamagedStoreAsideAndBeginsAnew) {
  TempDirectory root;
  const Generation core(root.path(), "core", 3);
  EXPECT_FALSE(core.exists());
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(PutRow(**core.Open(Options()), "a", "1").ok());
    WriteFile(core.path() + "/CURRENT", "nonsense");
    EXPECT_EQ(core.Open(Options()).status().code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(core.SetAside().value(), fmt::format("{}.damaged-{}", core.path(), round));
    EXPECT_EQ(RowsOf(**core.Open(Options())), RowMap());
  }
  EXPECT_THAT(NamesIn(root.path()), testing::ElementsAre("core-3", "core-3.damaged-3"));
}

TEST(Generation, BuildsBesideAndSwaps) {
  TempDirectory root;
  const Generation core(root.path(), "core", 1);
  ASSERT_TRUE(PutRow(**core.Open(Options()), "old", "1").ok());
  {
    const auto left_over = core.Build(Options());
    ASSERT_TRUE(PutRow(**left_over, "half", "1").ok());
  }
  {
    const auto built = core.Build(Options());
    ASSERT_TRUE(built.ok()) << built.status();
    EXPECT_EQ(RowsOf(**built), RowMap());
    ASSERT_TRUE((*built)->Ingest({{"new", "1"}}).ok());
    EXPECT_EQ(RowsOf(**core.Open(Options())), (RowMap{{"old", "1"}}));
  }
  ASSERT_TRUE(core.Publish().ok());
  EXPECT_EQ(RowsOf(**core.Open(Options())), (RowMap{{"new", "1"}}));
  EXPECT_THAT(NamesIn(root.path()), testing::ElementsAre("core-1"));
}

TEST(Generation, PublishesTheFirstOne) {
  TempDirectory root;
  const Generation core(root.path(), "core", 1);
  ASSERT_TRUE(PutRow(**core.Build(Options()), "new", "1").ok());
  ASSERT_TRUE(core.Publish().ok());
  EXPECT_EQ(RowsOf(**core.Open(Options())), (RowMap{{"new", "1"}}));
}

TEST(Generation, DeletesOtherVersionsOfItsStoreOnly) {
  TempDirectory root;
  for (const char* name : {"core-1", "core-2", "core-2.building", "core-1.damaged-4",
                           "core-extra-1", "names-1", "core"}) {
    fs::create_directories(root.File(name));
  }
  ASSERT_TRUE(Generation(root.path(), "core", 2).DeleteOthers().ok());
  EXPECT_THAT(NamesIn(root.path()),
              testing::ElementsAre("core", "core-2", "core-extra-1", "names-1"));
}

}  // namespace
}  // namespace crm
