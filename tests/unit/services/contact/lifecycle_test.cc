#include "services/contact/domain/lifecycle.h"

#include <gtest/gtest.h>

#include <set>

#include "common/base/random.h"
#include "common/base/timestamp.h"
#include "tests/support/given_when_then.h"

namespace crm::contact {
namespace {

using crm::common::v1::EventMetadata;
using v1::LifecycleEvent;
using v1::LifecycleStage;

auto Given(const std::vector<LifecycleEvent>& events) {
  return crm::testing::Given<LifecycleDecider>(events);
}

LifecycleEvent Moved(LifecycleStage from, LifecycleStage to, const std::string& reason = "",
                     const std::string& evidence = "") {
  LifecycleEvent event;
  auto* changed = event.mutable_stage_changed();
  changed->mutable_plain()->set_evidence(evidence);
  changed->set_from(from);
  changed->set_to(to);
  changed->set_reason(reason);
  return event;
}

LifecycleEvent Erased() {
  LifecycleEvent event;
  event.mutable_erased()->set_reason("request");
  return event;
}

LifecycleEvent Shredded(LifecycleEvent event) {
  if (event.has_stage_changed()) event.mutable_stage_changed()->clear_personal();
  return event;
}

EventMetadata At(TimeNs recorded, TimeNs occurred = 0) {
  EventMetadata metadata;
  SetTimestamp(recorded, metadata.mutable_recorded_time());
  if (occurred != 0) SetTimestamp(occurred, metadata.mutable_occurred_time());
  return metadata;
}

AdvanceLifecycle To(LifecycleStage stage) {
  return {.to = stage};
}

MoveByOrder By(std::string order, TimeNs time = kSecond) {
  return {.order = std::move(order), .order_time = time};
}

TEST(LifecycleDecider, ContactIsASuspectFirst) {
  EXPECT_EQ(Given({}).state().stage, v1::SUSPECT);
  Given({}).When(To(v1::SUSPECT)).ThenNothing();
}

TEST(LifecycleDecider, MoveNamesFromToReasonAndEvidence) {
  Given({})
      .When(AdvanceLifecycle{v1::PROSPECT, "qualified", "interaction 3"})
      .ThenRecorded({Moved(v1::SUSPECT, v1::PROSPECT, "qualified", "interaction 3")});
}

// The table, read by people: what a row of the service's README says.
TEST(LifecycleDecider, MovesAreLegalAsTheTableSays) {
  using Stages = std::set<LifecycleStage>;
  const Stages belonging = {v1::REPEAT, v1::CLIENT, v1::MEMBER, v1::ADVOCATE, v1::PARTNER};
  for (int from = v1::SUSPECT; from < kStages; ++from) {
    const auto stage = static_cast<LifecycleStage>(from);
    Stages legal = belonging;
    if (stage == v1::SUSPECT) legal = {v1::PROSPECT, v1::FIRST_TIME};
    if (stage == v1::PROSPECT) legal = {v1::SUSPECT, v1::FIRST_TIME};
    if (stage >= v1::FIRST_TIME && stage != v1::FORMER) legal.insert(v1::FORMER);
    for (int to = v1::SUSPECT; to < kStages; ++to) {
      if (to == from) continue;
      const auto decision =
          LifecycleDecider::Decide({.stage = stage}, To(static_cast<LifecycleStage>(to)));
      EXPECT_EQ(decision.ok(), legal.contains(static_cast<LifecycleStage>(to))) << from << to;
      EXPECT_EQ(ReasonOf(decision.status()), decision.ok() ? "" : "LIFECYCLE_MOVE_ILLEGAL");
    }
  }
}

TEST(LifecycleDecider, IllegalMoveNamesFromAndTo) {
  const auto decision = LifecycleDecider::Decide({.stage = v1::REPEAT}, To(v1::PROSPECT));
  EXPECT_EQ(decision.status().code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(decision.status().message());
  EXPECT_NE(message.find("from REPEAT to PROSPECT"), std::string::npos) << message;
  EXPECT_NE(message.find("CLIENT, MEMBER, ADVOCATE, PARTNER, FORMER"), std::string::npos);
}

TEST(LifecycleDecider, MoveToThePresentStageIsNothing) {
  for (int stage = v1::SUSPECT; stage < kStages; ++stage) {
    const auto same = static_cast<LifecycleStage>(stage);
    EXPECT_TRUE(LifecycleDecider::Decide({.stage = same}, To(same))->empty());
  }
}

TEST(LifecycleDecider, DeletedAndErasedContactsMoveByNobody) {
  for (const Existence gone : {Existence::kDeleted, Existence::kErased}) {
    const bool deleted = gone == Existence::kDeleted;
    Given({})
        .When(AdvanceLifecycle{.to = v1::PROSPECT, .contact = gone})
        .ThenRefused(deleted ? "CONTACT_DELETED" : "CONTACT_ERASED");
    MoveByOrder order = By("o1");
    order.contact = gone;
    Given({}).When(order).ThenNothing();
  }
  Given({Erased()}).When(To(v1::PROSPECT)).ThenRefused("CONTACT_ERASED");
  Given({Erased()}).When(By("o1")).ThenNothing();
}

TEST(LifecycleDecider, FirstOrderAndSecondMoveAndNoLater) {
  const auto first = Moved(v1::SUSPECT, v1::FIRST_TIME, "order", "o1");
  const auto second = Moved(v1::FIRST_TIME, v1::REPEAT, "order", "o2");
  Given({}).When(By("o1")).ThenRecorded({first});
  Given({Moved(v1::SUSPECT, v1::PROSPECT)})
      .When(By("o1"))
      .ThenRecorded({Moved(v1::PROSPECT, v1::FIRST_TIME, "order", "o1")});
  Given({first}).When(By("o2")).ThenRecorded({second});
  Given({first, second}).When(By("o3")).ThenNothing();
}

TEST(LifecycleDecider, OrderMovesNobodyWhoBelongs) {
  for (const auto stage : {v1::REPEAT, v1::CLIENT, v1::MEMBER, v1::ADVOCATE, v1::PARTNER}) {
    EXPECT_TRUE(LifecycleDecider::Decide({.stage = stage}, By("o3"))->empty());
  }
}

TEST(LifecycleDecider, OrderThatMovedTheStageMovesItNoMore) {
  const auto first = Moved(v1::SUSPECT, v1::FIRST_TIME, "order", "o1");
  Given({first}).When(By("o1")).ThenNothing();
}

TEST(LifecycleDecider, OrderThatACallerNamedDoesNotCountTwice) {
  Given({Moved(v1::PROSPECT, v1::FIRST_TIME, "sold-by-phone", "o1")}).When(By("o1")).ThenNothing();
}

LifecycleState LeftAt(TimeNs time) {
  LifecycleState state{.stage = v1::CLIENT};
  return LifecycleDecider::Evolve(state, Moved(v1::CLIENT, v1::FORMER), At(time));
}

TEST(LifecycleDecider, FormerComesBackWithAnOrderPlacedAfterLeaving) {
  const auto back = LifecycleDecider::Decide(LeftAt(9 * kSecond), By("o9", 9 * kSecond + 1));
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ((*back)[0].DebugString(), Moved(v1::FORMER, v1::REPEAT, "order", "o9").DebugString());
}

TEST(LifecycleDecider, LateOrderBringsNobodyBack) {
  EXPECT_TRUE(LifecycleDecider::Decide(LeftAt(9 * kSecond), By("o9", 9 * kSecond))->empty());
}

TEST(LifecycleState, StageTimeIsThatOfTheOrderAndNeverDecreases) {
  LifecycleState state = LifecycleDecider::Evolve({}, Moved(v1::SUSPECT, v1::FIRST_TIME, "order"),
                                                  At(9 * kSecond, 5 * kSecond));
  EXPECT_EQ(state.stage_time, 5 * kSecond);
  state = LifecycleDecider::Evolve(state, Moved(v1::FIRST_TIME, v1::REPEAT, "order"),
                                   At(10 * kSecond, 3 * kSecond));
  EXPECT_EQ(state.stage_time, 5 * kSecond);
}

TEST(LifecycleState, ErasureKeepsTheStageAndDropsTheEvidence) {
  const LifecycleState state =
      Given({Moved(v1::SUSPECT, v1::FIRST_TIME, "order", "o1"), Erased()}).state();
  EXPECT_EQ(state.stage, v1::FIRST_TIME);
  EXPECT_EQ(state.evidence, "");
  EXPECT_TRUE(state.erased);
}

class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }
  LifecycleStage AStage() { return static_cast<LifecycleStage>(1 + Below(kStages - 1)); }

  // Any event, also one that no command would record next, and of a later version.
  LifecycleEvent AnEvent() {
    if (Below(12) == 0) return Erased();
    if (Below(12) == 0) return {};
    return Moved(static_cast<LifecycleStage>(Below(kStages)),
                 static_cast<LifecycleStage>(Below(kStages + 2)), "r", "e");
  }

 private:
  SeededRandom random_;
};

constexpr uint64_t kSeeds = 2000;

TEST(LifecycleDeciderProperty, AnyOrderOfEventsFoldsAndDecidingTwiceGivesNothingNew) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    LifecycleState state;
    for (int i = draw.Below(12); i > 0; --i) {
      state = LifecycleDecider::Evolve(std::move(state), draw.AnEvent(), At(i * kSecond));
      EXPECT_TRUE(v1::LifecycleStage_IsValid(state.stage) && state.stage != 0);
    }
    const auto twice = [&](const auto& command) {
      const auto events = LifecycleDecider::Decide(state, command);
      if (!events.ok()) return;
      LifecycleState after = state;
      for (const auto& event : *events) {
        after = LifecycleDecider::Evolve(std::move(after), event, At(20 * kSecond));
      }
      const auto again = LifecycleDecider::Decide(after, command);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_TRUE(again->empty());
    };
    twice(To(draw.AStage()));
    twice(By("o1", draw.Below(20) * kSecond));
  }
}

TEST(LifecycleDeciderProperty, ErasureLaw) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    LifecycleState plain, shredded;
    for (int i = draw.Below(12); i > 0; --i) {
      const LifecycleEvent event = draw.AnEvent();
      plain = LifecycleDecider::Evolve(std::move(plain), event, At(i));
      shredded = LifecycleDecider::Evolve(std::move(shredded), Shredded(event), At(i));
    }
    EXPECT_EQ(LifecycleDecider::Evolve(shredded, Erased(), At(99)),
              LifecycleDecider::Evolve(plain, Erased(), At(99)));
  }
}

// Orders are met in order, but after each step a new owner may go back some way and meet them
// again, without a word of what it met before. Callers move the stage in between. What is met again
// must record nothing, so the stage is always what it would be had every order been met once.
TEST(LifecycleDeciderProperty, OrdersMetAgainMoveNothing) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    LifecycleState state;
    TimeNs now = 0;
    int64_t moves = 0;
    const auto record = [&](const absl::StatusOr<LifecycleDecider::Events>& events,
                            TimeNs occurred) {
      if (!events.ok()) return;
      for (const auto& event : *events) {
        ++moves;
        state = LifecycleDecider::Evolve(std::move(state), event, At(now, occurred));
      }
    };
    std::vector<MoveByOrder> met;
    for (int i = 0; i < 40; ++i) {
      ++now;
      if (draw.Below(3) == 0) {
        const LifecycleStage to = draw.Below(2) == 0 ? v1::FORMER : draw.AStage();
        record(LifecycleDecider::Decide(state, To(to)), 0);
      } else {
        met.push_back(By("o" + std::to_string(i), 1 + draw.Below(static_cast<int>(now))));
        record(LifecycleDecider::Decide(state, met.back()), met.back().order_time);
      }
      ++now;
      const int64_t moves_before = moves;
      const size_t back = std::min(met.size(), static_cast<size_t>(draw.Below(6)));
      for (size_t again = met.size() - back; again < met.size(); ++again) {
        record(LifecycleDecider::Decide(state, met[again]), met[again].order_time);
      }
      ASSERT_EQ(moves, moves_before);
    }
  }
}

}  // namespace
}  // namespace crm::contact
