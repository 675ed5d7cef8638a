#include "services/contact/projection/consent_aggregate.h"

#include <gtest/gtest.h>

#include "tests/unit/services/contact/consents.h"

namespace crm::contact {
namespace {

using testing::ConsentsErased;
using testing::DrawConsents;
using testing::FoldConsents;
using testing::GrantedEvent;
using testing::kMail;
using testing::WithdrawnEvent;

const AggregateInfo kInfo{.name = "contacts/c1/consents",
                          .version = 2,
                          .create_time = 1 * kSecond,
                          .update_time = 2 * kSecond};

TEST(ConsentAggregate, ResourceShowsTheEntriesInOrder) {
  const GrantConsent grant{
      .use = kMail, .wording_version = "v3", .expire_time = 9 * kSecond, .evidence = "form 7"};
  const v1::ConsentLedger resource = ConsentAggregate::Store(
      FoldConsents({WithdrawnEvent({"service", "sms", ""}), GrantedEvent(grant)}), kInfo);
  EXPECT_EQ(resource.name(), "contacts/c1/consents");
  EXPECT_EQ(resource.etag(), "2");
  ASSERT_EQ(resource.consents_size(), 2);
  const v1::Consent& mail = resource.consents(0);
  EXPECT_EQ(mail.purpose(), "marketing");
  EXPECT_EQ(mail.state(), v1::Consent::GRANTED);
  EXPECT_EQ(mail.wording_version(), "v3");
  EXPECT_EQ(mail.expire_time().seconds(), 9);
  EXPECT_EQ(mail.evidence(), "form 7");
  EXPECT_EQ(mail.version(), 2);
  EXPECT_EQ(mail.decided_time().seconds(), 2);
  EXPECT_EQ(resource.consents(1).state(), v1::Consent::WITHDRAWN);
  EXPECT_FALSE(resource.has_erase_time());
}

TEST(ConsentAggregate, ErasedShowsWhenAndNoEvidence) {
  const auto resource = ConsentAggregate::Store(
      FoldConsents({GrantedEvent({.use = kMail, .evidence = "form 7"}), ConsentsErased()}), kInfo);
  EXPECT_EQ(resource.erase_time().seconds(), 2);
  EXPECT_EQ(resource.SerializeAsString().find("form 7"), std::string::npos);
}

TEST(ConsentAggregateProperty, LoadUndoesStore) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    DrawConsents draw(seed);
    std::vector<v1::ConsentEvent> events;
    for (int i = draw.Below(20); i > 0; --i) events.push_back(draw.AnEvent());
    const ConsentLedger ledger = FoldConsents(events);
    v1::ConsentLedger resource;
    ASSERT_TRUE(
        resource.ParseFromString(ConsentAggregate::Store(ledger, kInfo).SerializeAsString()));
    EXPECT_EQ(ConsentAggregate::Load(resource), ledger);
  }
}

}  // namespace
}  // namespace crm::contact
