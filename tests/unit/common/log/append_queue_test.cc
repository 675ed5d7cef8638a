#include "common/log/append_queue.h"

#include <gtest/gtest.h>

#include "common/base/status.h"

namespace crm {
namespace {

QueuedAppend Of(size_t records, size_t value_bytes = 0) {
  Record record;
  record.value = std::string(value_bytes, 'v');
  return {0, 0, std::make_shared<const std::vector<Record>>(records, record), nullptr};
}

TEST(AppendQueue, FullUntilReleased) {
  AppendQueue queue({.records = 3, .bytes = 1 << 20});
  ASSERT_TRUE(queue.Push(Of(2)).ok());
  const absl::Status full = queue.Push(Of(2));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(full.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
  const auto taken = queue.Take(SIZE_MAX);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_FALSE(queue.Push(Of(2)).ok());
  queue.Release(taken);
  EXPECT_TRUE(queue.Push(Of(2)).ok());
}

TEST(AppendQueue, BytesCountToo) {
  AppendQueue queue({.records = 100, .bytes = 10'000});
  ASSERT_TRUE(queue.Push(Of(1, 6'000)).ok());
  EXPECT_EQ(queue.Push(Of(1, 6'000)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(queue.Push(Of(1, 100)).ok());
}

TEST(AppendQueue, WhatNeverFitsIsRefusedForGood) {
  AppendQueue queue({.records = 3, .bytes = 1 << 20});
  EXPECT_EQ(ReasonOf(queue.Push(Of(4))), "APPEND_TOO_LARGE");
}

TEST(AppendQueue, TakeStopsAtTheByteLimitButTakesAtLeastOne) {
  AppendQueue queue({});
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.Push(Of(1, 1000)).ok());
  EXPECT_EQ(queue.Take(10).size(), 1u);
  EXPECT_EQ(queue.Take(1 << 20).size(), 2u);
}

TEST(AppendQueue, ClosedRefusesAndDrains) {
  AppendQueue queue({});
  ASSERT_TRUE(queue.Push(Of(1)).ok());
  queue.Close(absl::UnavailableError("first"));
  queue.Close(absl::UnavailableError("second"));
  EXPECT_EQ(queue.Push(Of(1)), absl::UnavailableError("first"));
  EXPECT_EQ(queue.Take(SIZE_MAX).size(), 1u);
  EXPECT_TRUE(queue.Take(SIZE_MAX).empty());
}

}  // namespace
}  // namespace crm
