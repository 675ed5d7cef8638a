#include "common/storage/block_log_scan.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/storage/crc32c.h"
#include "tests/support/temp_directory.h"

namespace crm {
namespace {

enum : uint8_t { kFull = 1, kFirst, kMiddle, kLast, kRecyclableFull };

void AppendLittleEndian(std::string* out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<char>(value >> 8 * i));
}

std::string Fragment(uint8_t type, const std::string& payload, uint32_t number = 0) {
  std::string checked(1, static_cast<char>(type));
  if (type >= kRecyclableFull) AppendLittleEndian(&checked, number, 4);
  checked += payload;
  const uint32_t crc = Crc32c(checked);
  std::string fragment;
  AppendLittleEndian(&fragment, ((crc >> 15) | (crc << 17)) + 0xa282ead8U, 4);
  AppendLittleEndian(&fragment, static_cast<uint32_t>(payload.size()), 2);
  return fragment + checked;
}

BlockLogScan Scan(const std::string& bytes, const std::string& name = "000007.log") {
  const TempDirectory directory;
  std::ofstream(directory.File(name), std::ios::binary) << bytes;
  auto scan = ScanBlockLog(directory.File(name));
  EXPECT_TRUE(scan.ok()) << scan.status();
  return *scan;
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(BlockLogScan, WholeRecordsAreClean) {
  EXPECT_TRUE(Scan("").clean());
  EXPECT_TRUE(Scan(Fragment(kFull, "a") + Fragment(kFull, "")).clean());
  EXPECT_TRUE(Scan(Fragment(kFirst, "a") + Fragment(kMiddle, "b") + Fragment(kLast, "c")).clean());
}

TEST(BlockLogScan, RecordsContinueBehindABlocksPadding) {
  const std::string block =
      Fragment(kFull, std::string(32'768 - 7 - 3, 'x')) + std::string(3, '\0');
  ASSERT_EQ(block.size(), 32'768u);
  EXPECT_TRUE(Scan(block + Fragment(kFull, "next")).clean());
  std::string dirty = block;
  dirty.back() = 'x';
  EXPECT_EQ(Scan(dirty + Fragment(kFull, "next")).valid_after_break, 32'768);
  EXPECT_FALSE(Scan(dirty).valid_after_break.has_value());
}

TEST(BlockLogScan, ACutRecordIsTornAtEveryLength) {
  const std::string whole = Fragment(kFull, "first");
  const std::string last = Fragment(kFirst, "second") + Fragment(kLast, "half");
  for (size_t cut = 1; cut <= last.size(); ++cut) {
    const BlockLogScan scan = Scan(whole + last.substr(0, last.size() - cut));
    EXPECT_EQ(scan.clean(), cut == last.size());
    EXPECT_EQ(scan.intact_bytes, static_cast<int64_t>(whole.size()));
    EXPECT_FALSE(scan.valid_after_break.has_value());
  }
}

TEST(BlockLogScan, ARecordAfterABreakIsFoundWhateverByteBroke) {
  const std::string first = Fragment(kFull, "first");
  const std::string last = Fragment(kFull, "last");
  for (size_t at = 0; at < first.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = first + last;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      const BlockLogScan scan = Scan(bytes);
      EXPECT_EQ(scan.intact_bytes, 0);
      EXPECT_EQ(scan.valid_after_break, static_cast<int64_t>(first.size()));
    }
  }
}

TEST(BlockLogScan, FragmentsOutOfOrderAreDamage) {
  EXPECT_EQ(Scan(Fragment(kLast, "x")).valid_after_break, 0);
  EXPECT_EQ(Scan(Fragment(kFirst, "x") + Fragment(kFull, "y")).valid_after_break, 8);
}

TEST(BlockLogScan, ARecycledFilesOldRecordsAreNotItsOwn) {
  const std::string own = Fragment(kRecyclableFull, "own", 7);
  const std::string old = Fragment(kRecyclableFull, "old", 5);
  EXPECT_TRUE(Scan(own).clean());
  const BlockLogScan scan = Scan(own + old);
  EXPECT_EQ(scan.intact_bytes, static_cast<int64_t>(own.size()));
  EXPECT_FALSE(scan.valid_after_break.has_value());
}

TEST(BlockLogScan, AMissingFileIsAnError) {
  EXPECT_EQ(ScanBlockLog("/nowhere/000001.log").status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace crm
