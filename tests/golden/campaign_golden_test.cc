#include <gtest/gtest.h>

#include "common/aggregate/core_fold.h"
#include "common/base/clock.h"
#include "common/projection/sealing.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/api/campaign_service.h"
#include "tests/golden/golden_log.h"

namespace crm {
namespace {

using campaign::v1::CampaignRecord;

const std::vector<testing::GoldenRecord>& GoldenLog() {
  static const auto* log = new std::vector<testing::GoldenRecord>(
      testing::ReadGoldenLog(std::string(CRM_GOLDEN) + "/campaign_events.txt"));
  return *log;
}

EventSource Source() {
  static const auto* schema = new EventSchema(CampaignRecord::default_instance());
  static auto* sealer = new PlainSealer;
  return {*schema, *sealer};
}

TEST(CampaignGolden, EventsDecodeToWhatWasRecorded) {
  ASSERT_GT(GoldenLog().size(), 20u);
  testing::ExpectDecodesAsRecorded(GoldenLog(), Source());
}

// A campaign's content is what a caller sets of it.
TEST(CampaignGolden, EveryFieldOfEveryEventTypeIsInSomeEvent) {
  std::set<std::string> left_out = {"crm.campaign.v1.CampaignRecord.reaction"};
  for (const char* field :
       {"name", "state", "steps_started", "etag", "create_time", "update_time"}) {
    left_out.insert(std::string("crm.campaign.v1.Campaign.") + field);
  }
  EXPECT_EQ(
      testing::FieldsNotSet(CampaignRecord::default_instance(), GoldenLog(), Source(), left_out),
      std::set<std::string>())
      << "add an event with these fields at the end of make_campaign_events.cc, and what it "
         "writes for it at the end of campaign_events.txt";
}

TEST(CampaignGolden, StoresOfThisVersionHoldThePinnedRows) {
  const ManualClock clock(0);
  const ServiceDefinition service =
      campaign::MakeCampaignService(std::make_shared<campaign::MemoryOutbox>(), clock);
  AggregateTypes types;
  for (const auto& type : service.aggregates) types[type->record_field()] = type.get();
  const CoreProjection core(types, service.core_version);
  std::vector<const Projection*> projections = {&core};
  for (const ViewDefinition& view : service.views) {
    if (view.topic.empty()) projections.push_back(view.projection.get());
  }
  for (const Projection* projection : projections) {
    const auto rows = testing::Rebuilt(GoldenLog(), *projection, Source());
    testing::ExpectPinned(std::string(CRM_GOLDEN) + "/campaign_dumps.txt", *projection, *rows);
  }
}

}  // namespace
}  // namespace crm
