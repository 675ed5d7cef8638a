#include "common/telemetry/repeated_lines.h"

#include <gtest/gtest.h>

namespace crm {
namespace {

constexpr TimeNs kShort = RepeatedLines::kPause / 10;

class RepeatedLinesTest : public ::testing::Test {
 protected:
  ManualClock clock_{kSecond};
  RepeatedLines lines_{clock_};
};

TEST_F(RepeatedLinesTest, TheSameLineIsToldOnceAndThenWithItsCount) {
  EXPECT_EQ(lines_.Take("refused (after 1ms in state CONNECT)"),
            "refused (after 1ms in state CONNECT)");
  for (int i = 0; i < 9; ++i) {
    clock_.Advance(kShort);
    EXPECT_EQ(lines_.Take("refused (after 2ms in state CONNECT)"), "");
  }
  clock_.Advance(kShort);
  EXPECT_EQ(lines_.Take("refused"), "refused (and 9 times in the 10 s before)");
  clock_.Advance(10 * kShort);
  EXPECT_EQ(lines_.Take("refused"), "refused");
}

TEST_F(RepeatedLinesTest, AnotherLineIsToldAtOnce) {
  EXPECT_EQ(lines_.Take("broker 1 refused"), "broker 1 refused");
  EXPECT_EQ(lines_.Take("broker 2 refused"), "broker 2 refused");
}

TEST_F(RepeatedLinesTest, LinesWithoutEndAreNotKept) {
  lines_.Take("first");
  for (int i = 0; i < 2000; ++i) EXPECT_NE(lines_.Take("line " + std::to_string(i)), "");
  EXPECT_EQ(lines_.Take("first"), "first");
}

}  // namespace
}  // namespace crm
