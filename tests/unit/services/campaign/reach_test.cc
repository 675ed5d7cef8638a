#include "services/campaign/domain/reach.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/random.h"
#include "common/base/timestamp.h"
#include "tests/support/given_when_then.h"

namespace crm::campaign {
namespace {

using contact::v1::Consent;
using v1::ReachEvent;
using v1::Send;

constexpr TimeNs kNow = 1'700'000'000 * kSecond;
constexpr TimeNs kDay = 24 * 3600 * kSecond;
const std::string kContact = "contacts/c1";
const std::string kSegment = "segments/g1";

auto Given(const std::vector<ReachEvent>& events) {
  return crm::testing::Given<ReachDecider>(events);
}

template <typename C>
ReachEvent EventOf(const std::vector<ReachEvent>& given, const C& command) {
  const auto events = ReachDecider::Decide(Given(given).state(), command);
  EXPECT_TRUE(events.ok() && !events->empty()) << events.status();
  return events.ok() && !events->empty() ? events->back() : ReachEvent();
}

ConsentReading Granted() {
  return {.state = Consent::GRANTED, .version = 3, .partition = 5, .read_to = 70};
}
ConsentReading Withdrawn() {
  return {.state = Consent::WITHDRAWN, .version = 4, .partition = 5, .read_to = 80};
}

DecideSend Decide(const std::string& campaign, const std::string& step) {
  return {.send = {kContact, campaign, step},
          .channel = "email",
          .purpose = "marketing",
          .segment = kSegment,
          .cap = {2, 7},
          .consent = Granted(),
          .time = kNow};
}

SendKey Key(const std::string& campaign = "campaigns/k1", const std::string& step = "hello") {
  return {kContact, campaign, step};
}

ReachEvent Entered() {
  return EventOf({}, EvaluateMemberships{.entered = {kSegment}, .time = kNow - kDay});
}
ReachEvent Decided(const std::string& campaign = "campaigns/k1",
                   const std::string& step = "hello") {
  return EventOf({Entered()}, Decide(campaign, step));
}
ReachEvent HandedOff() {
  return EventOf({Entered(), Decided()}, MarkHandedOff{Key()});
}
ReachEvent Cancelled() {
  return EventOf({Entered(), Decided()},
                 CancelSend{Key(), std::string(kConsentWithdrawn), Withdrawn()});
}
ReachEvent Reported(Send::State state) {
  return EventOf({Entered(), Decided(), HandedOff()}, ReportDelivery{Key(), state});
}
ReachEvent Recorded() {
  return EventOf({}, RecordSend{Key(), "post", kNow});
}
ReachEvent Erased() {
  ReachEvent event;
  event.mutable_erased();
  return event;
}

RecordResponse Response(const std::string& id, const std::string& campaign = "campaigns/k1") {
  return {.contact = kContact,
          .campaign = campaign,
          .kind = "redemption",
          .response = id,
          .time = kNow,
          .external_key = ExternalKey{"cj", "key of " + id}};
}

void ExpectRefusal(const std::vector<ReachEvent>& given, const DecideSend& command,
                   std::string_view reason) {
  const ReachEvent event = EventOf(given, command);
  EXPECT_EQ(event.send_refused().reason(), reason) << event.DebugString();
  EXPECT_EQ(event.send_refused().basis().version(), command.consent.version);
  EXPECT_EQ(event.send_refused().basis().read_to(), command.consent.read_to);
}

TEST(ReachDecider, MemberWithConsentIsSent) {
  const ReachEvent event = Decided();
  ASSERT_TRUE(event.has_send_decided()) << event.DebugString();
  const auto& decided = event.send_decided();
  EXPECT_EQ(decided.send(), SendId(kContact, "campaigns/k1", "hello"));
  EXPECT_EQ(decided.basis().ledger(), "contacts/c1/consents");
  EXPECT_EQ(decided.basis().version(), 3);
  EXPECT_EQ(decided.basis().partition(), 5);
  EXPECT_EQ(decided.basis().read_to(), 70);
  EXPECT_EQ(decided.cap().sends(), 2);
  EXPECT_EQ(ToTimeNs(decided.decide_time()), kNow);
}

TEST(ReachDecider, SendIdIsTheSameForEver) {
  EXPECT_EQ(SendId("contacts/c1", "campaigns/k1", "hello"), "smbdxdtpa4yls2ubvrgjny4haci");
  EXPECT_NE(SendId("contacts/c1", "campaigns/k1", "hello"),
            SendId("contacts/c1", "campaigns/k1h", "ello"));
}

TEST(ReachDecider, RefusesWithTheFirstReason) {
  DecideSend expired = Decide("campaigns/k1", "hello");
  expired.consent.expire_time = kNow;
  ExpectRefusal({Entered()}, expired, "CONSENT_EXPIRED");
  DecideSend missing = Decide("campaigns/k1", "hello");
  missing.consent = {.partition = 5, .read_to = 70};
  ExpectRefusal({Entered()}, missing, "CONSENT_MISSING");
  DecideSend withdrawn = Decide("campaigns/k1", "hello");
  withdrawn.consent = Withdrawn();
  ExpectRefusal({Entered()}, withdrawn, "CONSENT_WITHDRAWN");
  ExpectRefusal({}, withdrawn, "NOT_IN_SEGMENT");
  withdrawn.contact_deleted = true;
  ExpectRefusal({}, withdrawn, "CONTACT_DELETED");
}

TEST(ReachDecider, ConsentCountsUntilItExpires) {
  DecideSend command = Decide("campaigns/k1", "hello");
  command.consent.expire_time = kNow + 1;
  EXPECT_TRUE(EventOf({Entered()}, command).has_send_decided());
}

TEST(ReachDecider, CapCountsSendsOfAllCampaignsInTheWindow) {
  const std::vector<ReachEvent> two = {Entered(), Decided("campaigns/k1"), Decided("campaigns/k2")};
  ExpectRefusal(two, Decide("campaigns/k3", "hello"), "FREQUENCY_CAP");
  EXPECT_EQ(EventOf(two, Decide("campaigns/k3", "hello")).send_refused().sends_in_window(), 2);
  DecideSend later = Decide("campaigns/k3", "hello");
  later.time = kNow + 7 * kDay;
  EXPECT_TRUE(EventOf(two, later).has_send_decided());
  later.time -= 1;
  ExpectRefusal(two, later, "FREQUENCY_CAP");
  DecideSend uncapped = Decide("campaigns/k3", "hello");
  uncapped.cap = {};
  EXPECT_TRUE(EventOf(two, uncapped).has_send_decided());
}

TEST(ReachDecider, CapLeavesOutWhatWasCancelledAndCountsWhatWasRecorded) {
  EXPECT_TRUE(EventOf({Entered(), Decided(), Cancelled(), Decided("campaigns/k2")},
                      Decide("campaigns/k3", "hello"))
                  .has_send_decided());
  ExpectRefusal({Entered(), Recorded(), Decided("campaigns/k2")}, Decide("campaigns/k3", "hello"),
                "FREQUENCY_CAP");
}

TEST(ReachDecider, StepIsDecidedOnce) {
  DecideSend refused = Decide("campaigns/k1", "hello");
  refused.consent = Withdrawn();
  const DecideSend command = Decide("campaigns/k1", "hello");
  Given({Entered(), EventOf({Entered()}, refused)}).When(command).ThenNothing();
  Given({Entered(), Decided()}).When(refused).ThenNothing();
  Given({Entered(), Decided(), HandedOff()}).When(command).ThenNothing();
  Given({Entered(), Decided(), Cancelled()}).When(command).ThenNothing();
  Given({Entered(), Recorded()}).When(command).ThenNothing();
}

TEST(ReachDecider, TransitionsOfASend) {
  DecideSend command = Decide("campaigns/k1", "hello");
  command.consent = Withdrawn();
  const ReachEvent refused = EventOf({Entered()}, command);
  const MarkHandedOff mark{Key()};
  const CancelSend cancel{Key(), "CONSENT_WITHDRAWN", Withdrawn()};
  const ReportDelivery delivered{Key(), Send::DELIVERED};
  const ReportDelivery bounced{Key(), Send::BOUNCED};
  const RecordSend record{Key(), "post", kNow};

  const auto unknown = Given({});
  unknown.When(mark).ThenRefused("SEND_NOT_FOUND");
  unknown.When(cancel).ThenRefused("SEND_NOT_FOUND");
  unknown.When(delivered).ThenRefused("SEND_NOT_FOUND");
  unknown.When(record).ThenRecorded({Recorded()});

  const auto decided = Given({Entered(), Decided()});
  decided.When(mark).ThenRecorded({HandedOff()});
  decided.When(cancel).ThenRecorded({Cancelled()});
  decided.When(delivered).ThenRecorded({HandedOff(), Reported(Send::DELIVERED)});
  decided.When(record).ThenRefused("SEND_DECIDED");

  for (const auto& off : {Given({refused}), Given({Entered(), Decided(), Cancelled()})}) {
    off.When(mark).ThenRefused("SEND_NOT_HANDED_OFF");
    off.When(cancel).ThenNothing();
    off.When(delivered).ThenRefused("SEND_NOT_HANDED_OFF");
    off.When(record).ThenRefused("SEND_DECIDED");
  }
  for (const auto& off : {Given({Entered(), Decided(), HandedOff()}), Given({Recorded()})}) {
    off.When(mark).ThenNothing();
    off.When(cancel).ThenRefused("SEND_HANDED_OFF");
    off.When(delivered).ThenRecorded({Reported(Send::DELIVERED)});
    off.When(bounced).ThenRecorded({Reported(Send::BOUNCED)});
    off.When(record).ThenNothing();
  }
  const auto gone = Given(
      {Entered(), Decided(), HandedOff(), Reported(Send::DELIVERED), Reported(Send::BOUNCED)});
  gone.When(bounced).ThenNothing();
  gone.When(delivered).ThenRefused("SEND_BOUNCED");
}

TEST(ReachDecider, FirstSendOfACampaignIsMarked) {
  EXPECT_TRUE(HandedOff().send_handed_off().first());
  EXPECT_TRUE(Recorded().send_recorded().first());
  EXPECT_FALSE(EventOf({Recorded()}, RecordSend{Key("campaigns/k1", "two"), "post", kNow})
                   .send_recorded()
                   .first());
  EXPECT_TRUE(
      EventOf({Recorded()}, RecordSend{Key("campaigns/k2"), "post", kNow}).send_recorded().first());
}

TEST(ReachDecider, ResponseIsAttributedToTheLatestSendThatStands) {
  const auto event = EventOf(
      {Recorded(), EventOf({Recorded()}, RecordSend{Key("campaigns/k1", "two"), "post", kNow})},
      Response("r1"));
  EXPECT_EQ(event.response_recorded().send(), SendId(kContact, "campaigns/k1", "two"));
  EXPECT_EQ(event.response_recorded().step(), "two");
  EXPECT_TRUE(event.response_recorded().first());
  EXPECT_EQ(event.response_recorded().plain().external_key().key(), "key of r1");
}

TEST(ReachDecider, ResponseIsRecordedOnceAndFirstOnlyOnce) {
  const ReachEvent first = EventOf({Recorded()}, Response("r1"));
  Given({Recorded(), first}).When(Response("r1")).ThenNothing();
  EXPECT_FALSE(EventOf({Recorded(), first}, Response("r2")).response_recorded().first());
  Given({Recorded(), first}).When(Response("r1", "campaigns/k2")).ThenRefused("RESPONSE_EXISTS");
}

TEST(ReachDecider, ResponseNeedsASend) {
  DecideSend command = Decide("campaigns/k1", "hello");
  command.consent = Withdrawn();
  Given({}).When(Response("r1")).ThenRefused("RESPONSE_WITHOUT_SEND");
  Given({Recorded()}).When(Response("r1", "campaigns/k2")).ThenRefused("RESPONSE_WITHOUT_SEND");
  Given({EventOf({Entered()}, command)}).When(Response("r1")).ThenRefused("RESPONSE_WITHOUT_SEND");
  Given({Entered(), Decided(), Cancelled()})
      .When(Response("r1"))
      .ThenRefused("RESPONSE_WITHOUT_SEND");
}

TEST(ReachDecider, MembershipsFollowTheFacts) {
  EvaluateMemberships both{.entered = {"segments/b", "segments/a"}, .left = {kSegment}};
  Reach reach = Given({Entered()}).state();
  const auto events = ReachDecider::Decide(reach, both);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 3u);
  for (const auto& event : *events) reach = ReachDecider::Evolve(std::move(reach), event);
  ASSERT_EQ(reach.memberships.size(), 2u);
  EXPECT_EQ(reach.memberships[0].segment, "segments/a");
  EXPECT_EQ(reach.memberships[1].segment, "segments/b");
  EXPECT_TRUE(ReachDecider::Decide(reach, both)->empty());
}

TEST(ReachDecider, ErasedContactIsInNoSegmentAndSentNothing) {
  const auto erased = Given({Entered(), Decided(), Erased()});
  EXPECT_TRUE(erased.state().memberships.empty());
  erased.When(Decide("campaigns/k2", "hello")).ThenRefused("CONTACT_ERASED");
  erased.When(EvaluateMemberships{.entered = {kSegment}}).ThenNothing();
  erased.When(RecordSend{Key("campaigns/k2"), "post", kNow}).ThenRefused("CONTACT_ERASED");
  erased.When(Response("r1")).ThenRefused("CONTACT_ERASED");
  erased.When(MarkHandedOff{Key()}).ThenRecorded({HandedOff()});
}

// Draws commands from few campaigns, steps and times, so that they meet.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }

  absl::StatusOr<ReachDecider::Events> Command(const Reach& reach) {
    const SendKey key = AKey();
    switch (Below(10)) {
      case 0:
        return ReachDecider::Decide(reach, MarkHandedOff{key});
      case 1:
        return ReachDecider::Decide(reach, CancelSend{key, "CONSENT_WITHDRAWN", AConsent()});
      case 2:
        return ReachDecider::Decide(
            reach, ReportDelivery{key, Below(2) == 0 ? Send::DELIVERED : Send::BOUNCED});
      case 3:
        return Below(4) == 0 ? ReachDecider::Decide(reach, RecordSend{key, "post", ATime()})
                             : ReachDecider::Events{};
      case 4:
        return ReachDecider::Decide(reach, Response("r" + std::to_string(Below(6)), key.campaign));
      case 5:
        return ReachDecider::Decide(reach, Below(6) == 0
                                               ? EvaluateMemberships{.left = {kSegment}}
                                               : EvaluateMemberships{.entered = {kSegment}});
      default:
        return ReachDecider::Decide(reach, ADecision(key));
    }
  }

  DecideSend ADecision(const SendKey& key) {
    DecideSend command = campaign::Decide(key.campaign, key.step);
    command.cap = cap_;
    command.consent = AConsent();
    command.time = ATime();
    command.contact_deleted = Below(20) == 0;
    return command;
  }

  const FrequencyCap& cap() const { return cap_; }

 private:
  SendKey AKey() {
    return Key("campaigns/k" + std::to_string(Below(4)), "step" + std::to_string(Below(4)));
  }
  // Clocks of owners differ: times are not in order.
  TimeNs ATime() { return kNow + Below(40) * (kDay / 4); }
  ConsentReading AConsent() { return Below(4) == 0 ? Withdrawn() : Granted(); }

  SeededRandom random_;
  const FrequencyCap cap_{1 + Below(3), 1 + Below(3)};
};

constexpr uint64_t kSeeds = 1000;

// What any run of commands leads to, seen from the events alone.
class Witness {
 public:
  void See(const ReachEvent& event) {
    if (event.has_send_decided()) See(event.send_decided());
    if (event.has_send_refused()) One(event.send_refused());
    if (event.has_send_recorded()) One(event.send_recorded());
    if (event.has_send_cancelled()) {
      const auto& cancelled = event.send_cancelled();
      times_.erase({cancelled.campaign(), cancelled.step()});
      EXPECT_TRUE(cancelled_.insert({cancelled.campaign(), cancelled.step()}).second);
      EXPECT_FALSE(handed_off_.contains({cancelled.campaign(), cancelled.step()}));
    }
    if (event.has_send_handed_off()) {
      const auto& off = event.send_handed_off();
      EXPECT_TRUE(handed_off_.insert({off.campaign(), off.step()}).second);
      EXPECT_FALSE(cancelled_.contains({off.campaign(), off.step()}));
    }
    if (event.has_response_recorded()) {
      const auto& response = event.response_recorded();
      EXPECT_TRUE(responses_.insert(response.response()).second);
      EXPECT_EQ(response.first(), responders_.insert(response.campaign()).second);
    }
  }

  // Decided sends that stand, within any window of the cap's length.
  int MostInAWindow(TimeNs window) const {
    size_t most = 0;
    for (const auto& [key, start] : times_) {
      size_t within = 0;
      for (const auto& [other, time] : times_) within += time >= start && time < start + window;
      most = std::max(most, within);
    }
    return static_cast<int>(most);
  }

 private:
  using Name = std::pair<std::string, std::string>;

  template <typename Message>
  void One(const Message& message) {
    EXPECT_TRUE(decisions_.insert({message.campaign(), message.step()}).second)
        << "decided twice: " << message.DebugString();
  }
  void See(const v1::SendDecided& decided) {
    One(decided);
    EXPECT_EQ(decided.basis().version(), Granted().version) << "on a withdrawn consent";
    times_[{decided.campaign(), decided.step()}] = ToTimeNs(decided.decide_time());
  }

  std::set<Name> decisions_;
  std::set<Name> handed_off_;
  std::set<Name> cancelled_;
  std::map<Name, TimeNs> times_;
  std::set<std::string> responses_;
  std::set<std::string> responders_;
};

TEST(ReachDeciderProperty, OneDecisionAStepAndTheCapHoldsWhateverComes) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    Reach reach;
    Witness witness;
    for (int i = 0; i < 120; ++i) {
      const auto events = draw.Command(reach);
      if (!events.ok()) continue;
      for (const ReachEvent& event : *events) {
        witness.See(event);
        reach = ReachDecider::Evolve(std::move(reach), event);
      }
      ASSERT_LE(witness.MostInAWindow(draw.cap().days * kDay), draw.cap().sends);
    }
  }
}

TEST(ReachDeciderProperty, DecidingTwiceGivesNothingNew) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Reach reach;
    Draw draw(seed);
    for (int i = 0; i < 40; ++i) {
      // The same seed draws the same command twice.
      const uint64_t command = seed * 1000 + static_cast<uint64_t>(i);
      const auto events = Draw(command).Command(reach);
      if (!events.ok()) continue;
      for (const ReachEvent& event : *events) {
        reach = ReachDecider::Evolve(std::move(reach), event);
      }
      const auto again = Draw(command).Command(reach);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_TRUE(again->empty()) << (*again)[0].DebugString();
    }
  }
}

// A reaction that crashes meets its events again, from any earlier place on, any number of times:
// here one that decides on ten steps and hands over, crashing after any command, 10,000 times. The
// consent changes in between.
TEST(ReachDeciderProperty, AtMostOneDecisionOverTenThousandCrashSchedules) {
  constexpr int kSteps = 10;
  for (uint64_t seed = 1; seed <= 10'000; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    Reach reach = Given({Entered()}).state();
    Witness witness;
    const auto run = [&](const auto& events) {
      if (!events.ok()) return;
      for (const ReachEvent& event : *events) {
        witness.See(event);
        reach = ReachDecider::Evolve(std::move(reach), event);
      }
    };
    for (int next = 0; next < kSteps;) {
      const SendKey key = Key("campaigns/k1", "step" + std::to_string(next));
      run(ReachDecider::Decide(reach, draw.ADecision(key)));
      const SendEntry* send = FindSend(reach, key.campaign, key.step);
      ASSERT_NE(send, nullptr);
      if (send->state == Send::DECIDED) {
        if (draw.Below(4) == 0) {
          run(ReachDecider::Decide(reach, CancelSend{key, "CONSENT_WITHDRAWN", Withdrawn()}));
        } else {
          run(ReachDecider::Decide(reach, MarkHandedOff{key}));
        }
      }
      next = draw.Below(3) == 0 ? draw.Below(next + 1) : next + 1;
    }
    ASSERT_LE(witness.MostInAWindow(draw.cap().days * kDay), draw.cap().sends);
  }
}

TEST(ReachDeciderProperty, ErasureLaw) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    Reach plain;
    Reach shredded;
    for (int i = 0; i < 60; ++i) {
      const auto events = draw.Command(plain);
      if (!events.ok()) continue;
      for (ReachEvent event : *events) {
        plain = ReachDecider::Evolve(std::move(plain), event);
        if (event.has_response_recorded()) event.mutable_response_recorded()->clear_personal();
        shredded = ReachDecider::Evolve(std::move(shredded), event);
      }
    }
    EXPECT_EQ(ReachDecider::Evolve(shredded, Erased()), ReachDecider::Evolve(plain, Erased()));
  }
}

}  // namespace
}  // namespace crm::campaign
