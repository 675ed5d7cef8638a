#include "services/campaign/domain/segment.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::campaign {

static_assert(DeciderOf<SegmentDecider, DefineSegment, RenameSegment, DeleteSegment>);

namespace {

using Events = SegmentDecider::Events;
using v1::SegmentEvent;

bool IsUnknown(const Segment& segment) {
  return segment.kind == v1::Segment::KIND_UNSPECIFIED;
}

absl::Status NoSuchSegment() {
  return NotFound(kSegmentNotFound, "there is no segment of this name; create it first");
}

Events One(SegmentEvent event) {
  Events events;
  events.push_back(std::move(event));
  return events;
}

Segment Defined(const v1::SegmentDefined& event) {
  return {
      .kind = event.kind() == v1::Segment::KIND_UNSPECIFIED ? v1::Segment::DYNAMIC : event.kind(),
      .display_name = event.display_name(),
      .filter = event.filter()};
}

}  // namespace

Segment SegmentDecider::Evolve(Segment segment, const SegmentEvent& event) {
  const bool unknown = IsUnknown(segment);
  switch (event.event_case()) {
    case SegmentEvent::kDefined:
      return unknown ? Defined(event.defined()) : segment;
    case SegmentEvent::kRenamed:
      if (!unknown) segment.display_name = event.renamed().display_name();
      return segment;
    case SegmentEvent::kDeleted:
      segment.deleted = !unknown;
      return segment;
    case SegmentEvent::EVENT_NOT_SET:
      return segment;
  }
  return segment;
}

absl::StatusOr<Events> SegmentDecider::Decide(const Segment& segment,
                                              const DefineSegment& command) {
  const auto references = ReadsOf(command.filter).segments;
  if (std::binary_search(references.begin(), references.end(), command.name)) {
    return Error(absl::StatusCode::kFailedPrecondition, kSegmentRefersToItself,
                 "a segment's filter cannot refer to the segment itself",
                 {{"field", "segment.filter"}});
  }
  SegmentEvent event;
  auto* defined = event.mutable_defined();
  defined->set_display_name(command.display_name);
  defined->set_kind(command.kind == v1::Segment::KIND_UNSPECIFIED ? v1::Segment::DYNAMIC
                                                                  : command.kind);
  defined->set_filter(PrintFilter(command.filter));
  if (IsUnknown(segment)) return One(std::move(event));
  Segment asked = Defined(*defined);
  asked.deleted = segment.deleted;
  if (asked == segment) return Events();
  return AlreadyExists(kSegmentExists,
                       "a segment of this name is defined otherwise; define another one");
}

absl::StatusOr<Events> SegmentDecider::Decide(const Segment& segment,
                                              const RenameSegment& command) {
  if (IsUnknown(segment)) return NoSuchSegment();
  if (segment.deleted) {
    return Refused(kSegmentDeleted, "the segment is deleted and takes no more changes");
  }
  if (segment.display_name == command.display_name) return Events();
  SegmentEvent event;
  event.mutable_renamed()->set_display_name(command.display_name);
  return One(std::move(event));
}

absl::StatusOr<Events> SegmentDecider::Decide(const Segment& segment, const DeleteSegment&) {
  if (IsUnknown(segment)) return NoSuchSegment();
  if (segment.deleted) return Events();
  SegmentEvent event;
  event.mutable_deleted();
  return One(std::move(event));
}

}  // namespace crm::campaign
