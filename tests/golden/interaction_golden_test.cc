#include <gtest/gtest.h>

#include "common/aggregate/core_fold.h"
#include "common/base/clock.h"
#include "common/projection/sealing.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/interaction/api/interaction_service.h"
#include "tests/golden/golden_log.h"

namespace crm {
namespace {

using interaction::v1::InteractionRecord;

const std::vector<testing::GoldenRecord>& GoldenLog() {
  static const auto* log = new std::vector<testing::GoldenRecord>(
      testing::ReadGoldenLog(std::string(CRM_GOLDEN) + "/interaction_events.txt"));
  return *log;
}

EventSource Source() {
  static const auto* schema = new EventSchema(InteractionRecord::default_instance());
  static auto* sealer = new PlainSealer;
  return {*schema, *sealer};
}

TEST(InteractionGolden, EventsDecodeToWhatWasRecorded) {
  ASSERT_GT(GoldenLog().size(), 15u);
  testing::ExpectDecodesAsRecorded(GoldenLog(), Source());
}

// The service has no reactions.
TEST(InteractionGolden, EveryFieldOfEveryEventTypeIsInSomeEvent) {
  EXPECT_EQ(testing::FieldsNotSet(InteractionRecord::default_instance(), GoldenLog(), Source(),
                                  {"crm.interaction.v1.InteractionRecord.reaction"}),
            std::set<std::string>())
      << "add an event with these fields at the end of make_interaction_events.cc, and what it "
         "writes for it at the end of interaction_events.txt";
}

TEST(InteractionGolden, StoresOfThisVersionHoldThePinnedRows) {
  const ManualClock clock(0);
  const ServiceDefinition service = interaction::MakeInteractionService({clock});
  AggregateTypes types;
  for (const auto& type : service.aggregates) types[type->record_field()] = type.get();
  const CoreProjection core(types, service.core_version);
  const Projection& view = *service.views.at(0).projection;
  for (const Projection* projection : {static_cast<const Projection*>(&core), &view}) {
    const auto rows = testing::Rebuilt(GoldenLog(), *projection, Source());
    testing::ExpectPinned(std::string(CRM_GOLDEN) + "/interaction_dumps.txt", *projection, *rows);
  }
}

}  // namespace
}  // namespace crm
