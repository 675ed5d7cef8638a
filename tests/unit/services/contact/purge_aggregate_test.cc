#include "services/contact/projection/purge_aggregate.h"

#include <gtest/gtest.h>

#include "crm/contact/v1/contact_service.pb.h"

namespace crm::contact {
namespace {

const AggregateInfo kInfo{
    .name = "operations/o1", .version = 1, .create_time = 1, .update_time = 1};

PurgeRun RunAfter(int partitions) {
  PurgeRun run{.requested = true, .start_time = 3, .deleted_before = 2, .force = true};
  for (Partition p = 0; p < partitions; ++p) run.done.insert(p);
  run.contacts = 7 * partitions;
  return run;
}

TEST(PurgeAggregate, LoadUndoesStore) {
  PurgeRun cancelled = RunAfter(3);
  cancelled.cancelled = true;
  for (const PurgeRun& run :
       {PurgeRun(), RunAfter(0), RunAfter(3), RunAfter(kPartitions), cancelled}) {
    google::longrunning::Operation operation;
    ASSERT_TRUE(operation.ParseFromString(PurgeAggregate::Store(run, kInfo).SerializeAsString()));
    EXPECT_EQ(PurgeAggregate::Load(operation), run);
  }
}

TEST(PurgeAggregate, OnlyACompleteRunHasAResponse) {
  EXPECT_FALSE(PurgeAggregate::Store(RunAfter(kPartitions - 1), kInfo).done());
  const auto done = PurgeAggregate::Store(RunAfter(kPartitions), kInfo);
  EXPECT_TRUE(done.done());
  v1::PurgeContactsResponse response;
  ASSERT_TRUE(done.response().UnpackTo(&response));
  EXPECT_EQ(response.contacts(), 7 * kPartitions);
}

TEST(PurgeAggregate, CancelledRunSaysSo) {
  PurgeRun run = RunAfter(2);
  run.cancelled = true;
  const auto operation = PurgeAggregate::Store(run, kInfo);
  EXPECT_TRUE(operation.done());
  EXPECT_EQ(operation.error().code(), static_cast<int>(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace crm::contact
