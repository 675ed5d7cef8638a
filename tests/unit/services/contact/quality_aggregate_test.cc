#include "services/contact/projection/quality_aggregate.h"

#include <gtest/gtest.h>

#include "tests/unit/services/contact/quality.h"

namespace crm::contact {
namespace {

using testing::DrawQuality;
using testing::FoldQuality;
using testing::Missing;
using testing::OpenedEvent;
using testing::QualityErased;
using testing::ResolvedEvent;

const AggregateInfo kInfo{.name = "contacts/c1/quality",
                          .version = 4,
                          .create_time = 1 * kSecond,
                          .update_time = 4 * kSecond};

TEST(QualityAggregate, OpenIssuesComeFirstThenInTheOrderTheyWereOpened) {
  const v1::ContactQuality resource = QualityAggregate::Store(
      FoldQuality({OpenedEvent(Missing("tags")), OpenedEvent(Missing("phones", "asked")),
                   OpenedEvent(Missing("emails")), ResolvedEvent("missing-tags")}),
      kInfo);
  EXPECT_EQ(resource.name(), "contacts/c1/quality");
  EXPECT_EQ(resource.etag(), "4");
  EXPECT_EQ(resource.create_time().seconds(), 1);
  EXPECT_EQ(resource.update_time().seconds(), 4);
  ASSERT_EQ(resource.issues_size(), 3);
  const v1::QualityIssue& first = resource.issues(0);
  EXPECT_EQ(first.issue(), "missing-phones");
  EXPECT_EQ(first.kind(), v1::QualityIssue::MISSING);
  EXPECT_EQ(first.field(), "phones");
  EXPECT_EQ(first.note(), "asked");
  EXPECT_EQ(first.open_time().seconds(), 2);
  EXPECT_FALSE(first.has_resolve_time());
  EXPECT_EQ(resource.issues(1).issue(), "missing-emails");
  EXPECT_EQ(resource.issues(2).issue(), "missing-tags");
  EXPECT_EQ(resource.issues(2).resolve_time().seconds(), 4);
}

TEST(QualityAggregate, ErasedShowsWhenAndNoNote) {
  const auto resource = QualityAggregate::Store(
      FoldQuality({OpenedEvent(Missing("emails", "bounced")), QualityErased()}), kInfo);
  EXPECT_EQ(resource.erase_time().seconds(), 4);
  EXPECT_EQ(resource.SerializeAsString().find("bounced"), std::string::npos);
}

TEST(QualityAggregateProperty, LoadUndoesStore) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    DrawQuality draw(seed);
    std::vector<v1::QualityEvent> events;
    for (int i = draw.Below(20); i > 0; --i) events.push_back(draw.AnEvent());
    const ContactQuality quality = FoldQuality(events);
    v1::ContactQuality resource;
    ASSERT_TRUE(
        resource.ParseFromString(QualityAggregate::Store(quality, kInfo).SerializeAsString()));
    EXPECT_EQ(QualityAggregate::Load(resource), quality);
  }
}

}  // namespace
}  // namespace crm::contact
