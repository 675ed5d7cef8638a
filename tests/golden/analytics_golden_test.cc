#include <gtest/gtest.h>

#include <set>

#include "common/aggregate/core_fold.h"
#include "common/projection/sealing.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/analytics/api/analytics_service.h"
#include "services/analytics/projection/customer_campaigns.h"
#include "services/analytics/projection/customer_contacts.h"
#include "services/analytics/projection/customer_interactions.h"
#include "services/analytics/projection/order_facts.h"
#include "tests/golden/golden_log.h"
#include "tests/unit/services/analytics/folded_view.h"
#include "tests/unit/services/analytics/order_events.h"

namespace crm::analytics {
namespace {

using crm::testing::GoldenRecord;
using testing::FoldedView;
using v1::AnalyticsRecord;

const std::string kFolder = CRM_GOLDEN;

EventSource Source() {
  static const auto* schema = new EventSchema(AnalyticsRecord::default_instance());
  static auto* sealer = new PlainSealer;
  return {*schema, *sealer};
}

const std::vector<GoldenRecord>& GoldenLog() {
  static const auto* log =
      new std::vector<GoldenRecord>(crm::testing::ReadGoldenLog(kFolder + "/analytics_events.txt"));
  return *log;
}

TEST(AnalyticsGolden, EventsDecodeToWhatWasRecorded) {
  ASSERT_GT(GoldenLog().size(), 10u);
  crm::testing::ExpectDecodesAsRecorded(GoldenLog(), Source());
}

// A run's content is what a caller sets of it.
TEST(AnalyticsGolden, EveryFieldOfEveryEventTypeIsInSomeEvent) {
  std::set<std::string> left_out = {"crm.analytics.v1.AnalyticsRecord.reaction",
                                    "crm.analytics.v1.AnalyticsRecord.metadata"};
  for (const char* field : {"name", "state", "failure", "rfm_cuts", "value_parameters", "customers",
                            "changed", "read_to", "etag", "create_time", "update_time"}) {
    left_out.insert(std::string("crm.analytics.v1.ScoreRun.") + field);
  }
  EXPECT_EQ(crm::testing::FieldsNotSet(AnalyticsRecord::default_instance(), GoldenLog(), Source(),
                                       left_out),
            std::set<std::string>())
      << "add an event with these fields at the end of make_analytics_events.cc";
}

// --- the rows of each store's version

void CheckPin(const Projection& projection, const Store& rows) {
  crm::testing::ExpectPinned(kFolder + "/analytics_dumps.txt", projection, rows);
}

std::unique_ptr<MemoryStore> Folded(const Projection& projection) {
  return crm::testing::Rebuilt(GoldenLog(), projection, Source());
}

TEST(AnalyticsGolden, OwnTopicGivesThePinnedRows) {
  const ServiceDefinition service = MakeAnalyticsService();
  AggregateTypes types;
  for (const auto& type : service.aggregates) types[type->record_field()] = type.get();
  const CoreProjection core(types, service.core_version);
  CheckPin(core, *Folded(core));
  for (const ViewDefinition& view : service.views) {
    if (view.topic.empty()) CheckPin(*view.projection, *Folded(*view.projection));
  }
}

TEST(AnalyticsGolden, ContactTopicGivesThePinnedRows) {
  FoldedView<CustomerContacts, contact::v1::ContactRecord> view;
  contact::v1::ContactRecord record;
  auto* created = record.mutable_contact()->mutable_created();
  created->mutable_plain()->set_display_name("Ada");
  created->mutable_plain()->add_emails("ada@example.com");
  created->set_region_code("GB");
  view.Fold("contacts/c1", record);
  record.Clear();
  auto* changed = record.mutable_contact()->mutable_profile_changed();
  changed->mutable_plain()->set_given_name("Ada");
  changed->add_changed_fields("given_name");
  view.Fold("contacts/c1", record);
  record.Clear();
  auto* granted = record.mutable_consent()->mutable_granted();
  granted->set_purpose("marketing");
  granted->set_channel("email");
  granted->set_wording_version("w1");
  view.Fold("contacts/c1/consents", record);
  record.Clear();
  record.mutable_lifecycle()->mutable_stage_changed()->set_to(contact::v1::PROSPECT);
  view.Fold("contacts/c2/lifecycle", record);
  view.Unreadable("contacts/c3");
  CheckPin(view.view(), view.rows());
}

template <typename View>
void CheckInteractionTopic() {
  FoldedView<View, interaction::v1::InteractionRecord> view;
  testing::RandomFacts facts(7);
  for (int i = 0; i < 60; ++i) {
    facts.Next([&](const std::string& name, const interaction::v1::InteractionRecord& record,
                   TimeNs time) { view.Fold(name, record, time); });
  }
  view.Unreadable("contacts/c3");
  CheckPin(view.view(), view.rows());
}

TEST(AnalyticsGolden, InteractionTopicGivesThePinnedRows) {
  CheckInteractionTopic<CustomerInteractions>();
  CheckInteractionTopic<OrderFacts>();
}

TEST(AnalyticsGolden, CampaignTopicGivesThePinnedRows) {
  FoldedView<CustomerCampaigns, campaign::v1::CampaignRecord> view;
  const auto fold = [&](auto fill) {
    campaign::v1::CampaignRecord record;
    fill(record.mutable_reach());
    view.Fold("contacts/c1/reach", record, 5 * kSecond);
  };
  fold([](auto* reach) { reach->mutable_segment_entered()->set_segment("segments/s1"); });
  fold([](auto* reach) { reach->mutable_send_decided()->set_send("send1"); });
  fold([](auto* reach) { reach->mutable_send_handed_off()->set_send("send1"); });
  fold([](auto* reach) { reach->mutable_send_refused()->set_send("send2"); });
  fold([](auto* reach) { reach->mutable_send_recorded()->set_send("send3"); });
  fold([](auto* reach) { reach->mutable_response_recorded()->set_response("r1"); });
  CheckPin(view.view(), view.rows());
}

}  // namespace
}  // namespace crm::analytics
