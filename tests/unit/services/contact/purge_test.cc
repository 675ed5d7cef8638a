#include "services/contact/domain/purge.h"

#include <gtest/gtest.h>

#include "tests/support/given_when_then.h"

namespace crm::contact {
namespace {

auto Given(const std::vector<v1::PurgeEvent>& events) {
  return crm::testing::Given<PurgeDecider>(events);
}

v1::PurgeEvent Requested(int64_t before) {
  v1::PurgeEvent event;
  event.mutable_requested()->mutable_deleted_before()->set_seconds(before);
  event.mutable_requested()->set_force(true);
  return event;
}

v1::PurgeEvent Done(Partition partition, int64_t contacts) {
  v1::PurgeEvent event;
  event.mutable_partition_done()->set_partition(partition);
  event.mutable_partition_done()->set_contacts(contacts);
  return event;
}

v1::PurgeEvent Cancelled() {
  v1::PurgeEvent event;
  event.mutable_cancelled();
  return event;
}

std::vector<v1::PurgeEvent> AllDone() {
  std::vector<v1::PurgeEvent> events = {Requested(5)};
  for (Partition p = 0; p < kPartitions; ++p) events.push_back(Done(p, p));
  return events;
}

constexpr RequestPurge kRequest{.deleted_before = 5 * kSecond, .force = true};

TEST(PurgeDecider, RunIsRequestedOnce) {
  Given({}).When(kRequest).ThenRecorded({Requested(5)});
  Given({Requested(5)}).When(kRequest).ThenNothing();
  Given({Requested(6)}).When(kRequest).ThenRefused("OPERATION_EXISTS");
}

TEST(PurgeDecider, PartitionIsDoneOnce) {
  Given({Requested(5)}).When(FinishPartition{3, 7}).ThenRecorded({Done(3, 7)});
  Given({Requested(5), Done(3, 7)}).When(FinishPartition{3, 9}).ThenNothing();
  Given({Requested(5), Cancelled()}).When(FinishPartition{3, 9}).ThenNothing();
  Given({}).When(FinishPartition{3, 7}).ThenRefused("OPERATION_NOT_FOUND");
}

TEST(PurgeDecider, RunningOneIsCancelledOnce) {
  Given({}).When(CancelPurge{}).ThenRefused("OPERATION_NOT_FOUND");
  Given({Requested(5), Done(3, 7)}).When(CancelPurge{}).ThenRecorded({Cancelled()});
  Given({Requested(5), Cancelled()}).When(CancelPurge{}).ThenNothing();
  Given(AllDone()).When(CancelPurge{}).ThenNothing();
}

TEST(PurgeDecider, RunEndsWithItsLastPartition) {
  auto events = AllDone();
  PurgeRun run = Given(events).state();
  EXPECT_TRUE(run.complete());
  EXPECT_EQ(run.contacts, kPartitions * (kPartitions - 1) / 2);
  events.pop_back();
  run = Given(events).state();
  EXPECT_FALSE(run.ended());
}

}  // namespace
}  // namespace crm::contact
