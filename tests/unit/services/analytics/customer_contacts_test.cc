#include "services/analytics/projection/customer_contacts.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "services/contact/projection/consent_aggregate.h"
#include "services/contact/projection/contact_aggregate.h"
#include "services/contact/projection/lifecycle_aggregate.h"
#include "tests/support/test_seed.h"
#include "tests/unit/services/analytics/folded_view.h"
#include "tests/unit/services/contact/contacts.h"

namespace crm::analytics {
namespace {

using contact::ContactAggregate;
using contact::v1::Consent;
using contact::v1::ContactRecord;
using google::protobuf::util::MessageDifferencer;
using testing::kTenant;
using View = testing::FoldedView<CustomerContacts, ContactRecord>;

constexpr char kName[] = "contacts/c1";

ContactRecord RecordOf(const contact::v1::ContactEvent& event) {
  ContactRecord record;
  *record.mutable_contact() = event;
  return record;
}

contact::v1::Contact Profile(View& view) {
  auto profile = CustomerContacts::Profile(view.rows(), kTenant, "c1");
  EXPECT_TRUE(profile.ok()) << profile.status();
  return profile->value_or(contact::v1::Contact());
}

// What the service's own rules make of a history of one kind, to be compared after each event.
template <typename Aggregate>
class ByTheRules {
 public:
  // `now` is when the event was recorded.
  typename Aggregate::Resource Fold(const std::string& name, const ContactRecord& record,
                                    const typename Aggregate::Decider::Event& event, TimeNs now) {
    common::v1::EventMetadata metadata = record.metadata();
    metadata.set_aggregate_version(++info_.version);
    SetTimestamp(now, metadata.mutable_recorded_time());
    state_ = Aggregate::Decider::Evolve(std::move(state_), event, metadata);
    info_.name = name;
    info_.update_time = now;
    if (info_.version == 1) info_.create_time = now;
    return Aggregate::Store(state_, info_);
  }

 private:
  typename Aggregate::Decider::State state_;
  AggregateInfo info_;
};

// Folds a history into the view and by the contact service's own rules; both answer the same,
// but for when each value was observed.
void CheckHistory(const std::vector<contact::v1::ContactEvent>& history) {
  View view;
  ByTheRules<ContactAggregate> rules;
  for (const auto& event : history) {
    const ContactRecord record = RecordOf(event);
    view.Fold(kName, record);
    auto expected = rules.Fold(kName, record, event, view.now());
    expected.clear_observations();
    ASSERT_TRUE(MessageDifferencer::Equals(Profile(view), expected))
        << Profile(view).DebugString() << "\nexpected\n"
        << expected.DebugString();
  }
}

std::vector<contact::v1::ContactEvent> AHistory(contact::testing::Draw& draw) {
  std::vector<contact::v1::ContactEvent> events;
  for (auto& happened : draw.AHistory()) events.push_back(std::move(happened.event));
  return events;
}

TEST(CustomerContactsProperty, ProfileIsWhatTheContactServiceAnswers) {
  const unsigned first = TestSeed();
  for (unsigned seed = first; seed < first + 400; ++seed) {
    SCOPED_TRACE(seed);
    contact::testing::Draw draw(seed);
    auto history = AHistory(draw);
    const auto existence = contact::testing::Fold(history).existence;
    if (existence == contact::Existence::kLiving && draw.Below(3) == 0) {
      history.push_back(
          contact::testing::Shredded(contact::testing::Renamed("of which nothing is left")));
    }
    if (!history.empty() && draw.Below(3) == 0) history.push_back(contact::testing::Erased());
    CheckHistory(history);
  }
}

TEST(CustomerContactsProperty, ErasureLaw) {
  const unsigned first = TestSeed();
  for (unsigned seed = first; seed < first + 200; ++seed) {
    SCOPED_TRACE(seed);
    contact::testing::Draw draw(seed);
    View plain, shredded;
    for (const auto& event : AHistory(draw)) {
      plain.Fold(kName, RecordOf(event));
      shredded.Fold(kName, RecordOf(contact::testing::Shredded(event)));
    }
    plain.Fold(kName, RecordOf(contact::testing::Erased()));
    shredded.Fold(kName, RecordOf(contact::testing::Erased()));
    EXPECT_EQ(shredded.AllRows(), plain.AllRows());
  }
}

ContactRecord Granted(const std::string& purpose, const std::string& channel,
                      const std::string& wording) {
  ContactRecord record;
  auto* granted = record.mutable_consent()->mutable_granted();
  granted->mutable_plain()->set_evidence("a signed form");
  granted->set_purpose(purpose);
  granted->set_channel(channel);
  granted->set_wording_version(wording);
  return record;
}

ContactRecord Withdrawn(const std::string& purpose, const std::string& channel) {
  ContactRecord record;
  auto* withdrawn = record.mutable_consent()->mutable_withdrawn();
  withdrawn->set_purpose(purpose);
  withdrawn->set_channel(channel);
  return record;
}

TEST(CustomerContactsProperty, ConsentsAreWhatTheContactServiceAnswers) {
  const unsigned first = TestSeed();
  for (unsigned seed = first; seed < first + 100; ++seed) {
    SCOPED_TRACE(seed);
    contact::testing::Draw draw(seed);
    View view;
    ByTheRules<contact::ConsentAggregate> rules;
    for (int i = 0; i < 12; ++i) {
      const std::string purpose = draw.Below(2) == 0 ? "marketing" : "analysis";
      const std::string channel = draw.Below(2) == 0 ? "sms" : "email";
      ContactRecord record = draw.Below(2) == 0 ? Granted(purpose, channel, "w" + channel)
                                                : Withdrawn(purpose, channel);
      if (i > 6 && draw.Below(6) == 0) record.mutable_consent()->mutable_erased();
      view.Fold("contacts/c1/consents", record);
      const auto expected =
          rules.Fold("contacts/c1/consents", record, record.consent(), view.now());
      const auto found = CustomerContacts::Consents(view.rows(), kTenant, "c1");
      ASSERT_TRUE(found.ok() && found->has_value());
      if (expected.has_erase_time()) {
        ASSERT_EQ((*found)->consents_size(), expected.consents_size());
        for (const auto& consent : (*found)->consents()) {
          EXPECT_EQ(consent.state(), Consent::WITHDRAWN);
          EXPECT_EQ(consent.evidence(), "");
        }
        break;
      }
      ASSERT_TRUE(MessageDifferencer::Equals(**found, expected))
          << (*found)->DebugString() << "\nexpected\n"
          << expected.DebugString();
    }
  }
}

TEST(CustomerContactsProperty, LifecycleIsWhatTheContactServiceAnswers) {
  const unsigned first = TestSeed();
  for (unsigned seed = first; seed < first + 100; ++seed) {
    SCOPED_TRACE(seed);
    contact::testing::Draw draw(seed);
    View view;
    ByTheRules<contact::LifecycleAggregate> rules;
    for (int i = 0; i < 12; ++i) {
      ContactRecord record;
      auto* change = record.mutable_lifecycle()->mutable_stage_changed();
      change->set_to(static_cast<contact::v1::LifecycleStage>(draw.Below(11)));
      change->mutable_plain()->set_evidence("because " + std::to_string(i));
      if (draw.Below(8) == 0) record.mutable_lifecycle()->mutable_erased();
      const bool erased = record.lifecycle().has_erased();
      const TimeNs occurred = (1 + draw.Below(9)) * 500 * kSecond;
      SetTimestamp(occurred, record.mutable_metadata()->mutable_occurred_time());
      view.Fold("contacts/c1/lifecycle", record);
      const auto expected =
          rules.Fold("contacts/c1/lifecycle", record, record.lifecycle(), view.now());
      const auto found = CustomerContacts::Lifecycle(view.rows(), kTenant, "c1");
      ASSERT_TRUE(found.ok() && found->has_value());
      ASSERT_TRUE(MessageDifferencer::Equals(**found, expected))
          << (*found)->DebugString() << "\nexpected\n"
          << expected.DebugString();
      if (erased) break;
    }
  }
}

TEST(CustomerContacts, ConsentsAreOneEntryAUseSorted) {
  View view;
  const std::string ledger = "contacts/c1/consents";
  view.Fold(ledger, Granted("marketing", "sms", "w1"));
  view.Fold(ledger, Granted("marketing", "email", "w1"));
  view.Fold(ledger, Granted("marketing", "sms", "w2"));
  view.Fold(ledger, Withdrawn("analysis", "email"));
  view.Fold(ledger, Withdrawn("marketing", "sms"));
  const auto found = CustomerContacts::Consents(view.rows(), kTenant, "c1");
  ASSERT_TRUE(found.ok() && found->has_value());
  const auto& consents = (*found)->consents();
  ASSERT_EQ(consents.size(), 3);
  EXPECT_EQ(consents[0].purpose(), "analysis");
  EXPECT_EQ(consents[0].state(), Consent::WITHDRAWN);
  EXPECT_EQ(consents[0].version(), 4);
  EXPECT_EQ(consents[1].channel(), "email");
  EXPECT_EQ(consents[1].state(), Consent::GRANTED);
  EXPECT_EQ(consents[2].channel(), "sms");
  EXPECT_EQ(consents[2].state(), Consent::WITHDRAWN);
  EXPECT_EQ(consents[2].wording_version(), "w2");
  EXPECT_EQ(consents[2].version(), 5);
  EXPECT_EQ(consents[2].decided_time().seconds(), view.now() / kSecond);
}

TEST(CustomerContacts, LifecycleShowsTheLastMove) {
  View view;
  ContactRecord record;
  auto* change = record.mutable_lifecycle()->mutable_stage_changed();
  change->set_to(contact::v1::FIRST_TIME);
  change->set_reason("order");
  change->mutable_plain()->set_evidence("contacts/c1/orders/o1");
  view.Fold("contacts/c1/lifecycle", record);
  change->set_to(contact::v1::REPEAT);
  view.Fold("contacts/c1/lifecycle", record);
  const auto found = CustomerContacts::Lifecycle(view.rows(), kTenant, "c1");
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->stage(), contact::v1::REPEAT);
  EXPECT_EQ((*found)->etag(), "2");
  EXPECT_EQ((*found)->evidence(), "contacts/c1/orders/o1");
}

TEST(CustomerContacts, UnreadableContactLeavesForGood) {
  View view;
  view.Fold(kName, RecordOf(contact::testing::Created(contact::testing::Ada())));
  view.Fold("contacts/c1/consents", Granted("marketing", "sms", "w1"));
  view.Unreadable(kName);
  view.Fold(kName, RecordOf(contact::testing::Renamed("Ada King")));
  EXPECT_FALSE(CustomerContacts::Profile(view.rows(), kTenant, "c1")->has_value());
  EXPECT_FALSE(CustomerContacts::Consents(view.rows(), kTenant, "c1")->has_value());
}

TEST(CustomerContacts, UnknownContactHasNothing) {
  View view;
  EXPECT_FALSE(CustomerContacts::Profile(view.rows(), kTenant, "c1")->has_value());
  EXPECT_FALSE(CustomerContacts::Lifecycle(view.rows(), kTenant, "c1")->has_value());
}

}  // namespace
}  // namespace crm::analytics
