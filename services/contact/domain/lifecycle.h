#pragma once

#include <array>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "crm/common/v1/event.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/contact/v1/lifecycle.pb.h"
#include "services/contact/domain/contact.h"

namespace crm::contact {

inline constexpr std::string_view kLifecycleMoveIllegal = "LIFECYCLE_MOVE_ILLEGAL";

// The reason of moves by orders; callers may not give it.
inline constexpr std::string_view kOrderReason = "order";

inline constexpr int kStages = v1::LifecycleStage_ARRAYSIZE;

// Legal moves, a row a stage, a column the stage moved to ('x'; '.' stays where it is).
//
//   Up to the first purchase the ladder is climbed rung by rung, as each rung is a fact: qualified,
//   bought, bought again. A suspect may buy without ever being a prospect; a prospect may turn out
//   not to be one. From the first purchase on the upper rungs are ways of belonging that nobody
//   takes in order (a member at the first purchase, an advocate who never joined), so any may
//   follow any; but who bought twice has bought twice, so none falls below REPEAT. Every buyer may
//   leave, and only buyers: there is nothing to leave before. Who comes back bought before and is
//   at least REPEAT.
//
//   So no move leads from a stage in which orders move nothing to one in which they do, but FORMER:
//   Decide(MoveByOrder) relies on it.
//
// clang-format off
inline constexpr std::array<std::string_view, kStages> kLegalMoves = {
    //             -SPFRCMAPF
    /* none     */ "          ",
    /* SUSPECT  */ " .xx      ",
    /* PROSPECT */ " x.x      ",
    /* FIRST_T. */ "   .xxxxxx",
    /* REPEAT   */ "    .xxxxx",
    /* CLIENT   */ "    x.xxxx",
    /* MEMBER   */ "    xx.xxx",
    /* ADVOCATE */ "    xxx.xx",
    /* PARTNER  */ "    xxxx.x",
    /* FORMER   */ "    xxxxx.",
};
// clang-format on

// The stage of one contact. Only Evolve builds it.
struct LifecycleState {
  v1::LifecycleStage stage = v1::SUSPECT;
  // When the contact reached it, never before it reached the one before: the time of the order, or
  // when the move was recorded. 0 = no move yet.
  TimeNs stage_time = 0;
  std::string reason;
  std::string evidence;
  // Its person was erased: the stage moves no more.
  bool erased = false;
  bool operator==(const LifecycleState&) const = default;
};

struct AdvanceLifecycle {
  v1::LifecycleStage to = v1::SUSPECT;
  std::string reason;
  std::string evidence;
  // Of the contact, at the moment of the decision.
  Existence contact = Existence::kUnknown;
};

// An order became known.
struct MoveByOrder {
  // Its name.
  std::string order;
  // When it took place, as far as it was not in the future when it was recorded.
  TimeNs order_time = 0;
  Existence contact = Existence::kUnknown;
};

// The erasure law of ContactDecider holds here too.
struct LifecycleDecider {
  using State = LifecycleState;
  using Event = v1::LifecycleEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State lifecycle, const Event& event,
                      const crm::common::v1::EventMetadata& metadata =
                          crm::common::v1::EventMetadata::default_instance());

  // Nothing where the stage is as asked; LIFECYCLE_MOVE_ILLEGAL, CONTACT_DELETED, CONTACT_ERASED.
  static absl::StatusOr<Events> Decide(const State& lifecycle, const AdvanceLifecycle& command);

  //   SUSPECT, PROSPECT        FIRST_TIME
  //   FIRST_TIME               REPEAT
  //   FORMER                   REPEAT, where the order took place after the contact left: one that
  //                            arrives late does not bring anybody back
  //   others; deleted, erased  nothing
  //
  // Never refuses. Orders are met at least once, in order within a partition, and each must have
  // its effect exactly once. What moved the stage is met again under the same request id, whose
  // dedup row stands as long as the contact does. What moved nothing records no event, so it has
  // no row and is decided anew, and must again move nothing, whatever was recorded since. The
  // state needs no memory of orders for that:
  //
  //   - it moved nothing in REPEAT or above: no legal move leads from there to a stage that orders
  //     move, but FORMER, and there it took place before the contact left (order_time is at most
  //     the time it was recorded, which was before the reaction met it, which was before the move
  //     to FORMER was recorded; two processes' clocks may differ, and only by that difference can
  //     this fail);
  //   - it moved nothing in FORMER: it took place before the contact left, then and now, and before
  //     each later leaving, as stage_time never decreases;
  //   - the contact was deleted or erased, which stays so.
  //
  // An order that is the evidence of the present stage moves nothing either, so that one that is
  // recorded anew, or that a caller named when moving the stage by hand, does not count twice.
  static absl::StatusOr<Events> Decide(const State& lifecycle, const MoveByOrder& command);
};

}  // namespace crm::contact
