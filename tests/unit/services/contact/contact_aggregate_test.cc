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

Contact At(TimeNs time, Contact contact, const v1::ContactEvent& event) {
  common::v1::EventMetadata metadata;
  SetTimestamp(time, metadata.mutable_recorded_time());
  return ContactDecider::Evolve(std::move(contact), event, metadata);
}

TEST(ContactAggregate, DeletedShowsWhen) {
  const Contact deleted = At(2 * kSecond, Fold({Created(Ada())}), Deleted());
  const auto resource = ContactAggregate::Store(deleted, kInfo);
  EXPECT_EQ(resource.delete_time().seconds(), 2);
  EXPECT_FALSE(resource.has_erase_time());
}

TEST(ContactAggregate, ErasedShowsWhenAndNothingPersonal) {
  const Contact erased = At(2 * kSecond, Fold({Created(Ada()), Deleted()}), Erased());
  const auto resource = ContactAggregate::Store(erased, kInfo);
  EXPECT_EQ(resource.erase_time().seconds(), 2);
  EXPECT_FALSE(resource.has_delete_time());
  EXPECT_EQ(resource.SerializeAsString().find("Ada"), std::string::npos);
}

TEST(ContactAggregate, PurgedShowsWhenAndNothingElse) {
  const Contact purged = At(2 * kSecond, Fold({Created(Ada()), Deleted()}), testing::Purged());
  v1::Contact resource = ContactAggregate::Store(purged, kInfo);
  EXPECT_EQ(resource.purge_time().seconds(), 2);
  v1::Contact rest;
  rest.set_name(resource.name());
  rest.set_etag(resource.etag());
  *rest.mutable_create_time() = resource.create_time();
  *rest.mutable_update_time() = resource.update_time();
  *rest.mutable_purge_time() = resource.purge_time();
  EXPECT_EQ(resource.DebugString(), rest.DebugString());
}

TEST(ContactAggregate, UnknownShowsItsNameOnly) {
  v1::Contact name_only;
  name_only.set_name("contacts/c1");
  EXPECT_EQ(ContactAggregate::Store(Contact(), {.name = "contacts/c1"}).DebugString(),
            name_only.DebugString());
}

TEST(ContactAggregate, PlainContactCostsNoObservation) {
  const CreateContact plain{Ada(), ExternalKey{"shop", "7"}, {.source = "shop"}};
  const auto events = ContactDecider::Decide({}, plain);
  Contact contact = At(kInfo.create_time, {}, testing::OnlyEvent(events));
  EXPECT_TRUE(ContactAggregate::Store(contact, kInfo).observations().empty());
  contact = At(3 * kSecond, std::move(contact), testing::Renamed("Ada King"));
  const v1::Contact resource = ContactAggregate::Store(contact, kInfo);
  ASSERT_EQ(resource.observations_size(), 2);
  EXPECT_EQ(resource.observations(0).fields(0), "display_name");
  EXPECT_EQ(resource.observations(0).observe_time().seconds(), 3);
  EXPECT_TRUE(resource.observations(1).superseded());
  EXPECT_EQ(resource.observations(1).source(), "shop");
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
