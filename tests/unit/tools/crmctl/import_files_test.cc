#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/base/status.h"
#include "tests/support/temp_directory.h"
#include "tools/crmctl/importing/import_state.h"
#include "tools/crmctl/importing/refused_rows.h"

namespace crm::crmctl {
namespace {

using ::testing::ElementsAre;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(ImportStateFile, IsFoundAgainByTheSameImportOnly) {
  TempDirectory directory;
  const std::string path = directory.File("state");
  {
    const auto first = ImportStateFile::Open(path, "a");
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ((*first)->found().id, "");
    ASSERT_TRUE((*first)->Write({"id", 12, 345, 6, {7, 8}, {}}).ok());
    ASSERT_TRUE((*first)->Write({"id", 13, 345, 6, {8, 8}, {}}).ok());
  }
  {
    const auto again = ImportStateFile::Open(path, "a");
    EXPECT_EQ((*again)->found().id, "id");
    EXPECT_EQ((*again)->found().done, 13);
    EXPECT_EQ((*again)->found().refused_bytes, 345);
    EXPECT_EQ((*again)->found().refused, 6);
    EXPECT_THAT((*again)->found().counts, ElementsAre(8, 8));
    EXPECT_FALSE((*again)->found_other());
  }
  const auto other = ImportStateFile::Open(path, "b");
  EXPECT_EQ((*other)->found().id, "");
  EXPECT_TRUE((*other)->found_other());
}

TEST(ImportStateFile, RowsThatWereAcceptedAreNotedUntilTheyAreDone) {
  TempDirectory directory;
  const std::string path = directory.File("state");
  using Accepted = std::map<int64_t, uint8_t>;
  const auto found = [&] { return (*ImportStateFile::Open(path, "a"))->found().accepted; };
  {
    const auto file = ImportStateFile::Open(path, "a");
    ASSERT_TRUE((*file)->Write({"id", 0, 0, 0, {0}, {}}).ok());
    for (const int64_t row : {3, 1, 0, 2}) ASSERT_TRUE((*file)->NoteAccepted(row, row % 2).ok());
  }
  EXPECT_EQ(found(), (Accepted{{0, 0}, {1, 1}, {2, 0}, {3, 1}}));
  {
    const auto file = ImportStateFile::Open(path, "a");
    ASSERT_TRUE((*file)->Write({"id", 2, 0, 0, {2}, {}}).ok());
    ASSERT_TRUE((*file)->NoteAccepted(5, 1).ok());
  }
  EXPECT_EQ(found(), (Accepted{{2, 0}, {3, 1}, {5, 1}}));
  {
    const auto file = ImportStateFile::Open(path, "a");
    (*file)->StartOver();
    ASSERT_TRUE((*file)->Write({"other", 0, 0, 0, {0}, {}}).ok());
  }
  EXPECT_EQ(found(), Accepted{});
}

TEST(ImportStateFile, DamagedOrCutOffIsNoState) {
  TempDirectory directory;
  const std::string path = directory.File("state");
  {
    const auto file = ImportStateFile::Open(path, "a");
    ASSERT_TRUE((*file)->Write({"id", 12, 345, 6, {7, 8}, {}}).ok());
  }
  const std::string sound = ReadFile(path);
  for (size_t i = 0; i < sound.size(); i += 7) {
    std::string damaged = sound;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    WriteFile(path, damaged);
    const auto file = ImportStateFile::Open(path, "a");
    EXPECT_EQ((*file)->found().id, "") << "byte " << i;
  }
  WriteFile(path, sound.substr(0, 40));
  const auto file = ImportStateFile::Open(path, "a");
  EXPECT_EQ((*file)->found().id, "");
}

TEST(ImportStateFile, OneProcessAtATime) {
  TempDirectory directory;
  const auto first = ImportStateFile::Open(directory.File("state"), "a");
  const auto second = ImportStateFile::Open(directory.File("state"), "a");
  EXPECT_EQ(ReasonOf(second.status()), "IMPORT_RUNNING");
  (*first)->Remove();
  EXPECT_FALSE(std::filesystem::exists(directory.File("state")));
}

TEST(RefusedRows, NoRowNoFile) {
  TempDirectory directory;
  RefusedRows rows(directory.File("refused"), "header\n");
  ASSERT_TRUE(rows.Resume(0));
  EXPECT_TRUE(rows.Flush().ok());
  EXPECT_FALSE(std::filesystem::exists(directory.File("refused")));
}

TEST(RefusedRows, GoOnWhereTheStateSays) {
  TempDirectory directory;
  const std::string path = directory.File("refused");
  int64_t kept = 0;
  {
    RefusedRows rows(path, "header\n");
    ASSERT_TRUE(rows.Resume(0));
    rows.Add("one\n");
    ASSERT_TRUE(rows.Flush().ok());
    kept = rows.bytes();
    rows.Add("two\n");
    ASSERT_TRUE(rows.Flush().ok());
  }
  EXPECT_EQ(ReadFile(path), "header\none\ntwo\n");
  {
    RefusedRows rows(path, "header\n");
    ASSERT_TRUE(rows.Resume(kept));
    rows.Add("three\n");
    ASSERT_TRUE(rows.Flush().ok());
  }
  EXPECT_EQ(ReadFile(path), "header\none\nthree\n");
  EXPECT_FALSE(RefusedRows(path, "header\n").Resume(1000));
  ASSERT_TRUE(RefusedRows(path, "header\n").Resume(0));
  EXPECT_EQ(ReadFile(path + ".old"), "header\none\nthree\n");
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace crm::crmctl
