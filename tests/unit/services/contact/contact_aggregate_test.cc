#include "services/contact/projection/contact_aggregate.h"

#include <gtest/gtest.h>

#include "tests/unit/services/contact/contacts.h"

namespace crm::contact {
namespace {

using testing::Ada;
using testing::Created;
using testing::Deleted;
using testing::Draw;
using testing::Erased;
using testing::Fold;

const AggregateInfo kInfo{.name = "contacts/c1",
                          .version = 7,
                          .create_time = 1 * kSecond + 5,
                          .update_time = 2 * kSecond + 6};

TEST(ContactAggregate, ResourceShowsTheInfo) {
  const v1::Contact resource = ContactAggregate::Store(Fold({Created(Ada())}), kInfo);
  EXPECT_EQ(resource.name(), "contacts/c1");
  EXPECT_EQ(resource.etag(), "7");
  EXPECT_EQ(resource.create_time().seconds(), 1);
  EXPECT_EQ(resource.create_time().nanos(), 5);
  EXPECT_EQ(resource.update_time().nanos(), 6);
  EXPECT_EQ(resource.display_name(), "Ada Lovelace");
  EXPECT_FALSE(resource.has_delete_time());
  EXPECT_FALSE(resource.has_erase_time());
}

TEST(ContactAggregate, DeletedShowsWhen) {
  const auto resource = ContactAggregate::Store(Fold({Created(Ada()), Deleted()}), kInfo);
  EXPECT_EQ(resource.delete_time().seconds(), 2);
  EXPECT_FALSE(resource.has_erase_time());
}

TEST(ContactAggregate, ErasedShowsWhenAndNothingPersonal) {
  const auto resource = ContactAggregate::Store(Fold({Created(Ada()), Deleted(), Erased()}), kInfo);
  EXPECT_EQ(resource.erase_time().seconds(), 2);
  EXPECT_FALSE(resource.has_delete_time());
  EXPECT_EQ(resource.SerializeAsString().find("Ada"), std::string::npos);
}

TEST(ContactAggregateProperty, LoadUndoesStore) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    Contact contact = Fold(draw.AHistory());
    for (int i = draw.Below(4); i > 0; --i) {
      contact = ContactDecider::Evolve(std::move(contact), draw.AnEvent());
    }
    v1::Contact resource;
    ASSERT_TRUE(
        resource.ParseFromString(ContactAggregate::Store(contact, kInfo).SerializeAsString()));
    EXPECT_EQ(ContactAggregate::Load(resource), contact);
  }
}

}  // namespace
}  // namespace crm::contact
