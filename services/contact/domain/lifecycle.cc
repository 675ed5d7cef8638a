#include "services/contact/domain/lifecycle.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/decider/decider.h"

namespace crm::contact {

static_assert(DeciderOf<LifecycleDecider, AdvanceLifecycle, MoveByOrder>);

namespace {

using crm::common::v1::EventMetadata;
using Events = LifecycleDecider::Events;
using v1::LifecycleEvent;
using v1::LifecycleStage;

bool IsLegal(LifecycleStage from, LifecycleStage to) {
  return kLegalMoves[static_cast<size_t>(from)][static_cast<size_t>(to)] == 'x';
}

std::string LegalFrom(LifecycleStage from) {
  std::string names;
  for (int to = 0; to < kStages; ++to) {
    const auto stage = static_cast<LifecycleStage>(to);
    if (!IsLegal(from, stage)) continue;
    names += (names.empty() ? "" : ", ") + v1::LifecycleStage_Name(stage);
  }
  return names;
}

absl::Status Illegal(LifecycleStage from, LifecycleStage to) {
  const std::string& from_name = v1::LifecycleStage_Name(from);
  const std::string& to_name = v1::LifecycleStage_Name(to);
  return Error(absl::StatusCode::kFailedPrecondition, kLifecycleMoveIllegal,
               "a contact does not move from " + from_name + " to " + to_name +
                   "; the next stage may be: " + LegalFrom(from),
               {{"from", from_name}, {"to", to_name}});
}

Events Moved(LifecycleStage from, LifecycleStage to, std::string_view reason,
             const std::string& evidence) {
  LifecycleEvent event;
  auto* changed = event.mutable_stage_changed();
  changed->mutable_plain()->set_evidence(evidence);
  changed->set_from(from);
  changed->set_to(to);
  changed->set_reason(std::string(reason));
  return Events{std::move(event)};
}

// The stage that an order leads to; the present one where it leads nowhere.
LifecycleStage AfterOrder(const LifecycleState& lifecycle, TimeNs order_time) {
  switch (lifecycle.stage) {
    case v1::SUSPECT:
    case v1::PROSPECT:
      return v1::FIRST_TIME;
    case v1::FIRST_TIME:
      return v1::REPEAT;
    case v1::FORMER:
      return order_time > lifecycle.stage_time ? v1::REPEAT : v1::FORMER;
    default:
      return lifecycle.stage;
  }
}

TimeNs TimeOf(const EventMetadata& metadata) {
  return ToTimeNs(metadata.has_occurred_time() ? metadata.occurred_time()
                                               : metadata.recorded_time());
}

// An event of a stage that only a later version knows moves nothing.
bool IsStage(LifecycleStage stage) {
  return v1::LifecycleStage_IsValid(stage) && stage != v1::LIFECYCLE_STAGE_UNSPECIFIED;
}

LifecycleState Moved(LifecycleState lifecycle, const v1::LifecycleStageChanged& event,
                     const EventMetadata& metadata) {
  lifecycle.stage = event.to();
  lifecycle.stage_time = std::max(lifecycle.stage_time, TimeOf(metadata));
  lifecycle.reason = event.reason();
  lifecycle.evidence = event.plain().evidence();
  return lifecycle;
}

LifecycleState Erased(LifecycleState lifecycle) {
  lifecycle.evidence.clear();
  lifecycle.erased = true;
  return lifecycle;
}

}  // namespace

LifecycleState LifecycleDecider::Evolve(LifecycleState lifecycle, const LifecycleEvent& event,
                                        const EventMetadata& metadata) {
  if (lifecycle.erased) return lifecycle;
  switch (event.event_case()) {
    case LifecycleEvent::kStageChanged:
      if (!IsStage(event.stage_changed().to())) return lifecycle;
      return Moved(std::move(lifecycle), event.stage_changed(), metadata);
    case LifecycleEvent::kErased:
      return Erased(std::move(lifecycle));
    case LifecycleEvent::EVENT_NOT_SET:
      return lifecycle;
  }
  return lifecycle;
}

absl::StatusOr<Events> LifecycleDecider::Decide(const LifecycleState& lifecycle,
                                                const AdvanceLifecycle& command) {
  if (lifecycle.erased) return RefuseIfGone(Existence::kErased);
  if (absl::Status gone = RefuseIfGone(command.contact); !gone.ok()) return gone;
  if (lifecycle.stage == command.to) return Events();
  if (!IsLegal(lifecycle.stage, command.to)) return Illegal(lifecycle.stage, command.to);
  return Moved(lifecycle.stage, command.to, command.reason, command.evidence);
}

absl::StatusOr<Events> LifecycleDecider::Decide(const LifecycleState& lifecycle,
                                                const MoveByOrder& command) {
  if (lifecycle.erased || !RefuseIfGone(command.contact).ok()) return Events();
  if (command.order == lifecycle.evidence) return Events();
  const LifecycleStage to = AfterOrder(lifecycle, command.order_time);
  if (to == lifecycle.stage) return Events();
  return Moved(lifecycle.stage, to, kOrderReason, command.order);
}

}  // namespace crm::contact
