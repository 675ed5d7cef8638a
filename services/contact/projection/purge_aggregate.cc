#include "services/contact/projection/purge_aggregate.h"

#include "common/base/timestamp.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace crm::contact {
namespace {

v1::PurgeContactsMetadata MetadataOf(const PurgeRun& run) {
  v1::PurgeContactsMetadata metadata;
  SetTimestamp(run.start_time, metadata.mutable_start_time());
  SetTimestamp(run.deleted_before, metadata.mutable_deleted_before());
  metadata.set_force(run.force);
  metadata.set_partitions_done(static_cast<int32_t>(run.done.size()));
  metadata.set_contacts(run.contacts);
  for (const Partition partition : run.done) metadata.add_done(partition);
  return metadata;
}

}  // namespace

PurgeRun PurgeAggregate::Load(const google::longrunning::Operation& resource) {
  PurgeRun run;
  v1::PurgeContactsMetadata metadata;
  if (!resource.has_metadata() || !resource.metadata().UnpackTo(&metadata)) return run;
  run.requested = true;
  run.start_time = ToTimeNs(metadata.start_time());
  run.deleted_before = ToTimeNs(metadata.deleted_before());
  run.force = metadata.force();
  run.cancelled = resource.has_error();
  run.done.insert(metadata.done().begin(), metadata.done().end());
  run.contacts = metadata.contacts();
  return run;
}

google::longrunning::Operation PurgeAggregate::Store(const PurgeRun& run,
                                                     const AggregateInfo& info) {
  google::longrunning::Operation operation;
  operation.set_name(info.name);
  if (!run.requested) return operation;
  operation.mutable_metadata()->PackFrom(MetadataOf(run));
  operation.set_done(run.ended());
  if (run.cancelled) {
    operation.mutable_error()->set_code(static_cast<int32_t>(absl::StatusCode::kCancelled));
    operation.mutable_error()->set_message("the operation was cancelled");
  } else if (run.complete()) {
    v1::PurgeContactsResponse response;
    response.set_contacts(run.contacts);
    operation.mutable_response()->PackFrom(response);
  }
  return operation;
}

}  // namespace crm::contact
