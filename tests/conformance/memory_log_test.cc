#include "common/log/memory/memory_log.h"

#include "tests/conformance/fenced_log_suite.h"
#include "tests/conformance/log_suite.h"

namespace crm {
namespace {

struct MemoryEngine {
  static constexpr bool kDurable = false;

  explicit MemoryEngine(AppendBounds bounds = {})
      : memory({.topic = "crm.test.events",
                .identity = {"0123456789abcdef0123456789abcdef", "check", 0},
                .bounds = bounds}) {}
  Log& log() { return memory; }
  void Reopen() {}

  MemoryLog memory;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LogSuite, MemoryEngine);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, FencedLogSuite, MemoryEngine);

TEST(MemoryLog, ByHandNothingIsReadableBeforeItIsDelivered) {
  MemoryLog log({.topic = "t", .identity = {}, .deliver_by_hand = true});
  std::vector<Offset> given;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(log.Append(0, Batch({EventOf("k", "v")}),
                           [&](absl::StatusOr<std::vector<Offset>> offsets) {
                             given.push_back(offsets->front());
                           })
                    .ok());
  }
  EXPECT_EQ(log.EndOffset(0).value(), 1);
  EXPECT_EQ(log.Deliver(2), 2u);
  EXPECT_EQ(given, (std::vector<Offset>{1, 2}));
  EXPECT_EQ(log.EndOffset(0).value(), 3);
  EXPECT_EQ(log.Deliver(2), 1u);
  EXPECT_EQ(log.Deliver(2), 0u);
}

}  // namespace
}  // namespace crm
