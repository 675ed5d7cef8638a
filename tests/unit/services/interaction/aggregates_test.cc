#include <gtest/gtest.h>

#include "services/interaction/projection/interaction_aggregate.h"
#include "services/interaction/projection/order_aggregate.h"
#include "tests/unit/services/interaction/facts.h"

namespace crm::interaction {
namespace {

using testing::Basket;
using testing::Call;
using testing::Draw;
using testing::Erased;
using testing::Fold;
using testing::Logged;
using testing::Recorded;

const AggregateInfo kInfo{.name = "contacts/c1/orders/o1",
                          .version = 7,
                          .create_time = 1 * kSecond + 5,
                          .update_time = 2 * kSecond + 6};

TEST(OrderAggregate, ResourceShowsTheOrderAndTheInfo) {
  const auto resource = OrderAggregate::Store(Fold<OrderDecider>({Recorded(Basket())}), kInfo);
  EXPECT_EQ(resource.name(), "contacts/c1/orders/o1");
  EXPECT_EQ(resource.etag(), "7");
  EXPECT_EQ(resource.create_time().nanos(), 5);
  EXPECT_EQ(resource.update_time().nanos(), 6);
  EXPECT_EQ(resource.total_minor(), 790);
  EXPECT_EQ(resource.lines(1).product(), "bread");
  EXPECT_EQ(resource.external_key().key(), "basket-1");
  EXPECT_FALSE(resource.has_erase_time());
}

TEST(InteractionAggregate, ErasedShowsWhenAndNothingPersonal) {
  const auto resource = InteractionAggregate::Store(
      Fold<InteractionDecider>({Logged(Call()), Erased<v1::InteractionEvent>()}), kInfo);
  EXPECT_EQ(resource.erase_time().seconds(), 2);
  EXPECT_EQ(resource.channel(), "phone");
  EXPECT_EQ(resource.SerializeAsString().find("Ada"), std::string::npos);
  EXPECT_EQ(resource.SerializeAsString().find("Bea"), std::string::npos);
  EXPECT_EQ(resource.SerializeAsString().find("call-1"), std::string::npos);
}

template <typename T>
class AggregateProperty : public ::testing::Test {};
using Aggregates = ::testing::Types<OrderAggregate, InteractionAggregate>;
TYPED_TEST_SUITE(AggregateProperty, Aggregates);

TYPED_TEST(AggregateProperty, LoadUndoesStore) {
  using Decider = typename TypeParam::Decider;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    auto state = Fold<Decider>(draw.AHistory<Decider>());
    for (int i = draw.Below(4); i > 0; --i) {
      state = Decider::Evolve(std::move(state), draw.AnEvent(&state));
    }
    typename TypeParam::Resource resource;
    ASSERT_TRUE(resource.ParseFromString(TypeParam::Store(state, kInfo).SerializeAsString()));
    EXPECT_EQ(TypeParam::Load(resource), state);
  }
}

}  // namespace
}  // namespace crm::interaction
