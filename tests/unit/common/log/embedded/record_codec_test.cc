#include "common/log/embedded/record_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "common/base/bytes.h"
#include "tests/support/test_seed.h"

namespace crm {
namespace {

std::string Encode(const Record& record) {
  std::string bytes;
  AppendRecordHead(&bytes, record);
  return bytes + record.value;
}

Record Sample() {
  Record record;
  record.key = "t/contacts/c";
  record.fence = 300;
  record.seq = 2;
  record.last = true;
  record.value = "value";
  return record;
}

// Logs are kept forever: these bytes must always decode.
TEST(RecordCodec, FormatIsPinned) {
  EXPECT_EQ(Hex(Encode(Sample())), "81ac02020c742f636f6e74616374732f6376616c7565");
  EXPECT_EQ(Hex(LogKey(3, 258)), "000000030000000000000102");
}

TEST(RecordCodec, EveryCutHeadIsRefused) {
  const std::string bytes = Encode(Sample());
  const size_t head = bytes.size() - Sample().value.size();
  for (size_t length = 0; length < head; ++length) {
    Record record;
    EXPECT_FALSE(DecodeRecord(bytes.substr(0, length), &record)) << length;
  }
}

TEST(RecordCodec, RandomBytesNeverDecodeBeyondTheirEnd) {
  std::mt19937 random(TestSeed());
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    Record record;
    if (!DecodeRecord(bytes, &record)) continue;
    EXPECT_LE(record.key.size() + record.value.size(), bytes.size());
  }
}

TEST(RecordCodec, KeysSortByPartitionThenOffset) {
  EXPECT_LT(LogKey(1, 255), LogKey(1, 256));
  EXPECT_LT(LogKey(1, 1LL << 40), LogKey(2, 0));
  Partition partition = 0;
  Offset offset = 0;
  ASSERT_TRUE(ReadLogKey(LogKey(15, 1LL << 40), &partition, &offset));
  EXPECT_EQ(partition, 15);
  EXPECT_EQ(offset, 1LL << 40);
  EXPECT_FALSE(ReadLogKey("short", &partition, &offset));
  EXPECT_FALSE(ReadLogKey(LogKey(16, 0), &partition, &offset));
}

}  // namespace
}  // namespace crm
