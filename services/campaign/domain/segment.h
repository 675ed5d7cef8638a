#pragma once

#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/filter.h"

namespace crm::campaign {

// Reasons of refusals.
inline constexpr std::string_view kSegmentNotFound = "SEGMENT_NOT_FOUND";
inline constexpr std::string_view kSegmentExists = "SEGMENT_EXISTS";
inline constexpr std::string_view kSegmentDeleted = "SEGMENT_DELETED";
inline constexpr std::string_view kSegmentRefersToItself = "SEGMENT_REFERS_TO_ITSELF";

// What the rules need to know of one segment. Only Evolve builds it.
struct Segment {
  // KIND_UNSPECIFIED until SegmentDefined.
  v1::Segment::Kind kind = v1::Segment::KIND_UNSPECIFIED;
  std::string display_name;
  // Canonical. It and the kind are immutable.
  std::string filter;
  bool deleted = false;
  bool operator==(const Segment&) const = default;
};

// A kind that is not specified is taken as DYNAMIC.
struct DefineSegment {
  // The segment's own, which the state does not know.
  std::string name;
  std::string display_name;
  v1::Segment::Kind kind = v1::Segment::KIND_UNSPECIFIED;
  Filter filter;
};

struct RenameSegment {
  std::string display_name;
};

struct DeleteSegment {};

struct SegmentDecider {
  using State = Segment;
  using Event = v1::SegmentEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State segment, const Event& event);

  //            unknown             defined                          deleted
  //   Define   defined             nothing where kind, filter and   as where it is defined
  //                                name are as asked, else
  //                                SEGMENT_EXISTS
  //   Rename   SEGMENT_NOT_FOUND   renamed                          SEGMENT_DELETED
  //   Delete   SEGMENT_NOT_FOUND   deleted                          nothing
  //
  // A filter that asks for membership of the segment itself is refused with
  // SEGMENT_REFERS_TO_ITSELF.
  static absl::StatusOr<Events> Decide(const State& segment, const DefineSegment& command);
  static absl::StatusOr<Events> Decide(const State& segment, const RenameSegment& command);
  static absl::StatusOr<Events> Decide(const State& segment, const DeleteSegment& command);
};

}  // namespace crm::campaign
