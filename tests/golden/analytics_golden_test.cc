#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "common/aggregate/core_fold.h"
#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/dump.h"
#include "common/storage/memory_store.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/analytics/api/analytics_service.h"
#include "services/analytics/projection/customer_campaigns.h"
#include "services/analytics/projection/customer_contacts.h"
#include "services/analytics/projection/customer_interactions.h"
#include "services/analytics/projection/order_facts.h"
#include "tests/golden/golden_file.h"
#include "tests/support/contact_log.h"
#include "tests/unit/services/analytics/folded_view.h"
#include "tests/unit/services/analytics/order_events.h"

namespace crm::analytics {
namespace {

using crm::testing::GoldenRecord;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
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
  for (const GoldenRecord& golden : GoldenLog()) {
    if (golden.json == "-") continue;
    const auto event = Source().schema.Decode(Record(golden.record), Source().sealer);
    ASSERT_TRUE(event.ok()) << golden.what << ": " << event.status();
    AnalyticsRecord recorded;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(golden.json, &recorded).ok());
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*event->record, recorded))
        << golden.what << "\n"
        << event->record->DebugString();
    EXPECT_EQ(event->payload_hmac, golden.payload_hmac) << golden.what;
  }
}

// Fields of this topic's own events that a recorder sets.
bool IsOwn(const FieldDescriptor& field) {
  return field.file()->package() == "crm.analytics.v1" && field.name() != "reaction" &&
         !field.options().GetExtension(common::v1::rules).output_only();
}

void AddFields(const Descriptor& type, std::set<std::string>* fields) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!IsOwn(*field) || !fields->insert(field->full_name()).second) continue;
    if (field->message_type() != nullptr) AddFields(*field->message_type(), fields);
  }
}

void RemoveFieldsSet(const Message& message, std::set<std::string>* fields) {
  std::vector<const FieldDescriptor*> set;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &set);
  for (const FieldDescriptor* field : set) {
    fields->erase(field->full_name());
    if (field->message_type() == nullptr || field->is_repeated()) continue;
    RemoveFieldsSet(reflection->GetMessage(message, field), fields);
  }
}

TEST(AnalyticsGolden, EveryFieldOfEveryEventTypeIsInSomeEvent) {
  std::set<std::string> all;
  AddFields(*AnalyticsRecord::descriptor(), &all);
  // What the request names the run with is not recorded.
  for (const char* field : {"name", "etag"}) {
    all.erase(std::string("crm.analytics.v1.ScoreRun.") + field);
  }
  for (const GoldenRecord& golden : GoldenLog()) {
    if (golden.json == "-") continue;
    const auto event = Source().schema.Decode(Record(golden.record), Source().sealer);
    ASSERT_TRUE(event.ok());
    RemoveFieldsSet(*event->record, &all);
  }
  EXPECT_EQ(all, std::set<std::string>())
      << "add an event with these fields at the end of make_analytics_events.cc";
}

// --- the rows of each store's version

std::string DumpHash(const Projection& projection, const RowReader& rows) {
  PieceHasher hasher;
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto dump = DumpPartition(rows, projection, p, DumpKind::kCanonical, nullptr);
    EXPECT_TRUE(dump.ok()) << dump.status();
    hasher.Add(dump->hash);
  }
  return Hex(hasher.Digest());
}

void CheckPin(const Projection& projection, const RowReader& rows) {
  const std::string store = fmt::format("{}-{}", projection.name(), projection.version());
  const std::string hash = DumpHash(projection, rows);
  std::map<std::string, std::string> pinned;
  std::ifstream file(kFolder + "/analytics_dumps.txt");
  for (std::string name, value; file >> name >> value;) pinned[name] = value;
  EXPECT_EQ(pinned[store], hash)
      << "the same log gives other rows. Where that is meant, raise the version of the store and "
         "add to analytics_dumps.txt: "
      << store << " " << hash;
}

std::unique_ptr<MemoryStore> Folded(const Projection& projection) {
  const auto log = crm::testing::EmptyLog({"golden", "check", 0});
  for (const GoldenRecord& golden : GoldenLog()) {
    const auto batch = std::make_shared<const std::vector<Record>>(1, golden.record);
    EXPECT_TRUE(log->Append(golden.partition, batch, [](const auto&) {}).ok());
  }
  log->Deliver(SIZE_MAX);
  auto store = std::make_unique<MemoryStore>();
  EXPECT_TRUE(BulkRebuild(*log, projection, Source(), *store, {}).ok());
  return store;
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
