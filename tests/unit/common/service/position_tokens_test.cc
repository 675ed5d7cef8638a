#include "common/service/position_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/support/test_seed.h"

namespace crm {
namespace {

class PositionTokensTest : public ::testing::Test {
 protected:
  PositionTokens Of(const std::string& log_id, int64_t epoch) {
    return {secret_, random_, "orders", {log_id, "check", epoch}};
  }

  SystemRandom random_;
  const Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
};

TEST_F(PositionTokensTest, MergedTokenCoversEachAndNothingBeyond) {
  const unsigned seed = TestSeed();
  std::mt19937 draw(seed);
  auto tokens = Of("log", 0);
  for (int round = 0; round < 50; ++round) {
    std::map<std::string, std::map<Partition, Offset>> expected;
    std::vector<std::string> all;
    const int count = 1 + static_cast<int>(draw() % 40);
    for (int i = 0; i < count; ++i) {
      std::vector<PositionTokens::Part> parts;
      for (unsigned n = 1 + draw() % 3; n > 0; --n) {
        const char* topic = draw() % 2 == 0 ? "orders" : "payments";
        const auto partition = static_cast<Partition>(draw() % kPartitions);
        const auto offset = static_cast<Offset>(1 + draw() % 1000);
        parts.push_back({topic, partition, offset});
        Offset& greatest = expected[topic][partition];
        greatest = std::max(greatest, offset);
      }
      all.push_back(tokens.Make(parts));
    }
    const auto merged = tokens.Open({MergePositions(secret_, random_, all)});
    ASSERT_TRUE(merged.ok()) << merged.status();
    ASSERT_EQ(merged->size(), expected.size());
    for (const auto& [topic, targets] : *merged) {
      const std::map<Partition, Offset> of_topic(targets.begin(), targets.end());
      EXPECT_EQ(of_topic, expected[topic]) << topic;
    }
  }
}

TEST_F(PositionTokensTest, LastLogsAndEpochsTokensCount) {
  const std::string before = Of("log", 0).Make({{"orders", 1, 9}});
  const std::string after = Of("log", 1).Make({{"orders", 2, 3}});
  const auto merged = Of("log", 1).Open({MergePositions(secret_, random_, {before, after})});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->at("orders"), (PositionTokens::Targets{{2, 3}}));
}

TEST_F(PositionTokensTest, WhatIsNoTokenCoversNothing) {
  const std::string token = Of("log", 0).Make({{"orders", 1, 9}});
  const auto merged =
      Of("log", 0).Open({MergePositions(secret_, random_, {"", token, "no token"})});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->at("orders"), (PositionTokens::Targets{{1, 9}}));
  EXPECT_EQ(MergePositions(secret_, random_, {"no token"}), "");
}

}  // namespace
}  // namespace crm
