#include "services/contact/projection/lifecycle_aggregate.h"

#include <gtest/gtest.h>

#include "common/base/random.h"

namespace crm::contact {
namespace {

const AggregateInfo kInfo{.name = "contacts/c1/lifecycle",
                          .version = 2,
                          .create_time = 1 * kSecond,
                          .update_time = 2 * kSecond};

TEST(LifecycleAggregate, ResourceShowsStageAndWhy) {
  const LifecycleState state{
      .stage = v1::REPEAT, .stage_time = kSecond, .reason = "order", .evidence = "o2"};
  const v1::Lifecycle resource = LifecycleAggregate::Store(state, kInfo);
  EXPECT_EQ(resource.name(), "contacts/c1/lifecycle");
  EXPECT_EQ(resource.stage(), v1::REPEAT);
  EXPECT_EQ(resource.stage_time().seconds(), 1);
  EXPECT_EQ(resource.reason(), "order");
  EXPECT_EQ(resource.evidence(), "o2");
  EXPECT_EQ(resource.etag(), "2");
  EXPECT_FALSE(resource.has_erase_time());
}

TEST(LifecycleAggregateProperty, LoadUndoesStore) {
  SeededRandom random(7);
  const auto below = [&](uint64_t n) { return random.Next64() % n; };
  EXPECT_EQ(LifecycleAggregate::Load(LifecycleAggregate::Store({}, kInfo)), LifecycleState{});
  for (int i = 0; i < 500; ++i) {
    const LifecycleState state{.stage = static_cast<v1::LifecycleStage>(1 + below(kStages - 1)),
                               .stage_time = static_cast<TimeNs>(below(3)) * kSecond,
                               .reason = below(2) == 0 ? "" : "order",
                               .evidence = below(2) == 0 ? "" : "o1",
                               .erased = below(2) == 0};
    v1::Lifecycle resource;
    ASSERT_TRUE(
        resource.ParseFromString(LifecycleAggregate::Store(state, kInfo).SerializeAsString()));
    EXPECT_EQ(LifecycleAggregate::Load(resource), state);
  }
}

}  // namespace
}  // namespace crm::contact
