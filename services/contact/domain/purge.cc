#include "services/contact/domain/purge.h"

#include <utility>

#include "common/base/timestamp.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::contact {

static_assert(DeciderOf<PurgeDecider, RequestPurge, FinishPartition, CancelPurge>);

namespace {

using Events = PurgeDecider::Events;
using v1::PurgeEvent;

absl::Status NoSuchOperation() {
  return NotFound(kOperationNotFound,
                  "there is no such operation; ListOperations shows those there are");
}

void Finish(const v1::PurgePartitionDone& event, PurgeRun* run) {
  if (run->done.insert(event.partition()).second) run->contacts += event.contacts();
}

}  // namespace

PurgeRun PurgeDecider::Evolve(PurgeRun run, const PurgeEvent& event,
                              const common::v1::EventMetadata& metadata) {
  switch (event.event_case()) {
    case PurgeEvent::kRequested:
      run.requested = true;
      run.start_time = ToTimeNs(metadata.recorded_time());
      run.deleted_before = ToTimeNs(event.requested().deleted_before());
      run.force = event.requested().force();
      return run;
    case PurgeEvent::kPartitionDone:
      Finish(event.partition_done(), &run);
      return run;
    case PurgeEvent::kCancelled:
      run.cancelled = true;
      return run;
    case PurgeEvent::kErased:
    case PurgeEvent::EVENT_NOT_SET:
      return run;
  }
  return run;
}

absl::StatusOr<Events> PurgeDecider::Decide(const PurgeRun& run, const RequestPurge& command) {
  const bool same = run.deleted_before == command.deleted_before && run.force == command.force;
  if (run.requested && same) return Events();
  if (run.requested) {
    return AlreadyExists(kOperationExists, "the operation runs already; wait for it");
  }
  PurgeEvent event;
  SetTimestamp(command.deleted_before, event.mutable_requested()->mutable_deleted_before());
  event.mutable_requested()->set_force(command.force);
  return Events{std::move(event)};
}

absl::StatusOr<Events> PurgeDecider::Decide(const PurgeRun& run, const FinishPartition& command) {
  if (!run.requested) return NoSuchOperation();
  if (run.cancelled || run.done.contains(command.partition)) return Events();
  PurgeEvent event;
  event.mutable_partition_done()->set_partition(command.partition);
  event.mutable_partition_done()->set_contacts(command.contacts);
  return Events{std::move(event)};
}

absl::StatusOr<Events> PurgeDecider::Decide(const PurgeRun& run, const CancelPurge&) {
  if (!run.requested) return NoSuchOperation();
  if (run.ended()) return Events();
  PurgeEvent event;
  event.mutable_cancelled();
  return Events{std::move(event)};
}

}  // namespace crm::contact
