#include "services/campaign/domain/segment.h"

#include <gtest/gtest.h>

#include "services/campaign/projection/segment_aggregate.h"
#include "tests/support/given_when_then.h"

namespace crm::campaign {
namespace {

using crm::testing::Given;

constexpr const char* kName = "segments/sa";

DefineSegment Define(std::string_view filter) {
  return {.name = kName, .display_name = "Loyal", .filter = *ParseFilter(filter)};
}

v1::SegmentEvent Defined(const std::string& filter) {
  v1::SegmentEvent event;
  event.mutable_defined()->set_display_name("Loyal");
  event.mutable_defined()->set_kind(v1::Segment::DYNAMIC);
  event.mutable_defined()->set_filter(filter);
  return event;
}

v1::SegmentEvent Renamed(const std::string& name) {
  v1::SegmentEvent event;
  event.mutable_renamed()->set_display_name(name);
  return event;
}

v1::SegmentEvent Deleted() {
  v1::SegmentEvent event;
  event.mutable_deleted();
  return event;
}

TEST(SegmentDecider, IsDefinedByItsCanonicalFilterAsDynamic) {
  Given<SegmentDecider>({})
      .When(Define("orders.count>=3"))
      .ThenRecorded({Defined("orders.count >= 3")});
}

TEST(SegmentDecider, DefinedAgainTheSameRecordsNothingAndOtherwiseIsRefused) {
  const auto given = Given<SegmentDecider>({Defined("orders.count >= 3")});
  given.When(Define("(orders.count >= 3)")).ThenNothing();
  given.When(Define("orders.count >= 4")).ThenRefused(kSegmentExists);
}

TEST(SegmentDecider, RefersToOthersButNotToItself) {
  Given<SegmentDecider>({})
      .When(Define("NOT (tag(\"a\") OR segment(\"segments/sa\"))"))
      .ThenRefused(kSegmentRefersToItself);
  Given<SegmentDecider>({})
      .When(Define("segment(\"segments/sb\")"))
      .ThenRecorded({Defined("segment(\"segments/sb\")")});
}

TEST(SegmentDecider, IsRenamedUntilDeleted) {
  const auto defined = Defined("tag(\"a\")");
  Given<SegmentDecider>({}).When(RenameSegment{"x"}).ThenRefused(kSegmentNotFound);
  Given<SegmentDecider>({defined}).When(RenameSegment{"x"}).ThenRecorded({Renamed("x")});
  Given<SegmentDecider>({defined, Renamed("x")}).When(RenameSegment{"x"}).ThenNothing();
  Given<SegmentDecider>({defined, Deleted()}).When(RenameSegment{"x"}).ThenRefused(kSegmentDeleted);
}

TEST(SegmentDecider, IsDeletedOnce) {
  Given<SegmentDecider>({}).When(DeleteSegment{}).ThenRefused(kSegmentNotFound);
  Given<SegmentDecider>({Defined("tag(\"a\")")}).When(DeleteSegment{}).ThenRecorded({Deleted()});
  Given<SegmentDecider>({Defined("tag(\"a\")"), Deleted()}).When(DeleteSegment{}).ThenNothing();
}

TEST(SegmentAggregate, LoadsWhatItStored) {
  for (const auto& history :
       std::vector<std::vector<v1::SegmentEvent>>{{},
                                                  {Defined("tag(\"a\")")},
                                                  {Defined("tag(\"a\")"), Renamed("y")},
                                                  {Defined("tag(\"a\")"), Deleted()}}) {
    const Segment segment = Given<SegmentDecider>(history).state();
    const AggregateInfo info{.name = kName, .version = 2, .create_time = 5, .update_time = 6};
    EXPECT_EQ(SegmentAggregate::Load(SegmentAggregate::Store(segment, info)), segment);
  }
}

}  // namespace
}  // namespace crm::campaign
