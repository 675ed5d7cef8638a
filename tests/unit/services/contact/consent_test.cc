#include "services/contact/domain/consent.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/services/contact/consents.h"

namespace crm::contact {
namespace {

using testing::ConsentsErased;
using testing::DrawConsents;
using testing::FoldConsents;
using testing::GrantedEvent;
using testing::kMail;
using testing::MetadataOf;
using testing::Shredded;
using testing::WithdrawnEvent;

auto Given(const std::vector<v1::ConsentEvent>& events) {
  return crm::testing::Given<ConsentDecider>(events);
}

GrantConsent Grant(const ConsentUse& use, std::string wording = "v1") {
  return {.use = use, .wording_version = std::move(wording), .evidence = "form 7"};
}

ConsentUse On(std::string channel, std::string recipient = "") {
  return {"marketing", std::move(channel), std::move(recipient)};
}

TEST(ConsentDecider, GrantCarriesWhatTheCallerNamed) {
  GrantConsent command = Grant(On("email", "partner"));
  command.expire_time = 5 * kSecond;
  const v1::ConsentGranted granted = GrantedEvent(command).granted();
  EXPECT_EQ(granted.purpose(), "marketing");
  EXPECT_EQ(granted.channel(), "email");
  EXPECT_EQ(granted.recipient(), "partner");
  EXPECT_EQ(granted.wording_version(), "v1");
  EXPECT_EQ(granted.expire_time().seconds(), 5);
  EXPECT_EQ(granted.plain().evidence(), "form 7");
}

TEST(ConsentDecider, WithoutEvidenceThePersonalPartIsThereToo) {
  EXPECT_TRUE(GrantedEvent({.use = kMail}).granted().has_plain());
  EXPECT_TRUE(WithdrawnEvent(kMail).withdrawn().has_plain());
}

TEST(ConsentDecider, SameGrantIsRecordedOnce) {
  Given({GrantedEvent(Grant(kMail))}).When(Grant(kMail)).ThenNothing();
}

TEST(ConsentDecider, OtherWordingExpiryOrEvidenceIsAnotherGrant) {
  const auto given = Given({GrantedEvent(Grant(kMail))});
  given.When(Grant(kMail, "v2")).ThenRecorded({GrantedEvent(Grant(kMail, "v2"))});
  GrantConsent other = Grant(kMail);
  other.expire_time = kSecond;
  given.When(other).ThenRecorded({GrantedEvent(other)});
  other = Grant(kMail);
  other.evidence = "form 8";
  given.When(other).ThenRecorded({GrantedEvent(other)});
}

TEST(ConsentDecider, WithdrawnConsentIsGrantedAgain) {
  Given({GrantedEvent(Grant(kMail)), WithdrawnEvent(kMail)})
      .When(Grant(kMail))
      .ThenRecorded({GrantedEvent(Grant(kMail))});
}

TEST(ConsentDecider, ConsentIsWithdrawnOnce) {
  Given({GrantedEvent(Grant(kMail))})
      .When(WithdrawConsent{kMail, "call"})
      .ThenRecorded({WithdrawnEvent(kMail, "call")});
  Given({WithdrawnEvent(kMail, "call")}).When(WithdrawConsent{kMail, "another call"}).ThenNothing();
}

TEST(ConsentDecider, WishNotToBeAskedIsRecordedWithoutAGrant) {
  Given({}).When(WithdrawConsent{kMail, ""}).ThenRecorded({WithdrawnEvent(kMail)});
}

TEST(ConsentDecider, WithoutChannelEveryGrantOfThePurposeIsWithdrawn) {
  const auto given =
      Given({GrantedEvent(Grant(On("email"))), GrantedEvent(Grant(On("sms", "acme"))),
             GrantedEvent(Grant(On("post"))), WithdrawnEvent(On("post")),
             GrantedEvent(Grant({"service", "email", ""}))});
  given.When(WithdrawConsent{On(""), "call"})
      .ThenRecorded(
          {WithdrawnEvent(On("email"), "call"), WithdrawnEvent(On("sms", "acme"), "call")});
  given.When(WithdrawConsent{On("", "acme"), ""}).ThenRecorded({WithdrawnEvent(On("sms", "acme"))});
  given.When(WithdrawConsent{{"research", "", ""}, ""}).ThenNothing();
  Given({}).When(WithdrawConsent{On(""), ""}).ThenNothing();
}

TEST(ConsentDecider, DeletedContactWithdrawsButDoesNotGrant) {
  GrantConsent grant = Grant(kMail);
  grant.contact = Existence::kDeleted;
  Given({}).When(grant).ThenRefused("CONTACT_DELETED");
  Given({GrantedEvent(Grant(kMail))})
      .When(WithdrawConsent{kMail, "", Existence::kDeleted})
      .ThenRecorded({WithdrawnEvent(kMail)});
}

TEST(ConsentDecider, ErasedContactRefusesEverything) {
  GrantConsent grant = Grant(kMail);
  Given({ConsentsErased()}).When(grant).ThenRefused("CONTACT_ERASED");
  Given({ConsentsErased()}).When(WithdrawConsent{kMail, ""}).ThenRefused("CONTACT_ERASED");
  grant.contact = Existence::kErased;
  Given({}).When(grant).ThenRefused("CONTACT_ERASED");
  Given({}).When(WithdrawConsent{kMail, "", Existence::kErased}).ThenRefused("CONTACT_ERASED");
}

TEST(ConsentDecider, FullLedgerTakesNoNewUseButEveryOther) {
  std::vector<v1::ConsentEvent> events;
  for (size_t i = 0; i < kMaxConsents; ++i) {
    events.push_back(GrantedEvent(Grant(On("email", std::to_string(i)))));
  }
  const auto given = Given(events);
  given.When(Grant(kMail)).ThenRefused("CONSENT_LEDGER_FULL");
  given.When(WithdrawConsent{kMail, ""}).ThenRefused("CONSENT_LEDGER_FULL");
  given.When(Grant(On("email", "7"), "v2"))
      .ThenRecorded({GrantedEvent(Grant(On("email", "7"), "v2"))});
  const auto all = ConsentDecider::Decide(given.state(), WithdrawConsent{On(""), ""});
  EXPECT_EQ(all->size(), kMaxConsents);
}

TEST(ConsentLedger, EntryNamesTheEventThatSaidSo) {
  const ConsentLedger ledger = FoldConsents(
      {GrantedEvent(Grant(kMail)), GrantedEvent(Grant(On("sms"))), WithdrawnEvent(kMail, "call")});
  const ConsentEntry& mail = ledger.entries.at(kMail);
  EXPECT_TRUE(mail.withdrawn);
  EXPECT_EQ(mail.version, 3);
  EXPECT_EQ(mail.decided_time, 3 * kSecond);
  EXPECT_EQ(mail.evidence, "call");
  EXPECT_EQ(mail.wording_version, "v1");
  EXPECT_EQ(ledger.entries.at(On("sms")).version, 2);
}

TEST(ConsentLedger, ErasureWithdrawsAndForgetsEvidence) {
  const ConsentLedger ledger = FoldConsents(
      {GrantedEvent(Grant(kMail)), WithdrawnEvent(On("sms"), "call"), ConsentsErased()});
  EXPECT_TRUE(ledger.erased);
  for (const auto& [use, entry] : ledger.entries) {
    EXPECT_TRUE(entry.withdrawn);
    EXPECT_EQ(entry.evidence, "");
  }
  EXPECT_EQ(ledger.entries.at(kMail).version, 3);
  EXPECT_EQ(ledger.entries.at(On("sms")).version, 2);
}

TEST(ConsentLedger, ConsentCountsUntilItExpires) {
  GrantConsent command = Grant(kMail);
  command.expire_time = 10 * kSecond;
  const ConsentLedger ledger = FoldConsents({GrantedEvent(command)});
  const ConsentEntry* entry = &ledger.entries.at(kMail);
  EXPECT_EQ(StateAt(entry, 10 * kSecond - 1), ConsentState::kGranted);
  EXPECT_EQ(StateAt(entry, 10 * kSecond), ConsentState::kExpired);
  EXPECT_EQ(StateAt(nullptr, 0), ConsentState::kNone);
}

constexpr uint64_t kSeeds = 1000;

TEST(ConsentDeciderProperty, DecidingTwiceGivesNothingNew) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    DrawConsents draw(seed);
    std::vector<v1::ConsentEvent> log;
    for (int i = draw.Below(20); i > 0; --i) log.push_back(draw.AnEvent());
    const auto twice = [&](const auto& command) {
      const auto events = ConsentDecider::Decide(FoldConsents(log), command);
      if (!events.ok()) return;
      std::vector<v1::ConsentEvent> after = log;
      after.insert(after.end(), events->begin(), events->end());
      const auto again = ConsentDecider::Decide(FoldConsents(after), command);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_TRUE(again->empty()) << (*again)[0].DebugString();
    };
    twice(draw.AGrant());
    twice(draw.AWithdrawal());
  }
}

TEST(ConsentDeciderProperty, ErasureLawWithAnyOrderOfEvents) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    DrawConsents draw(seed);
    std::vector<v1::ConsentEvent> plain, shredded;
    for (int i = draw.Below(20); i > 0; --i) {
      plain.push_back(draw.AnEvent());
      shredded.push_back(Shredded(plain.back()));
    }
    plain.push_back(ConsentsErased());
    shredded.push_back(ConsentsErased());
    EXPECT_EQ(FoldConsents(shredded), FoldConsents(plain));
    for (const auto& [use, entry] : FoldConsents(plain).entries) EXPECT_TRUE(entry.withdrawn);
  }
}

// What people would write down by hand: every word about every use, in order.
struct Word {
  ConsentUse use;
  TimeNs time = 0;
  int64_t version = 0;
  std::optional<GrantConsent> grant;
};

// Reads the list from the end for the last word not after `time`.
std::pair<ConsentState, int64_t> ByHand(const std::vector<Word>& words, const ConsentUse& use,
                                        TimeNs time) {
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    if (word->time > time || word->use != use) continue;
    if (!word->grant) return {ConsentState::kWithdrawn, word->version};
    const TimeNs expire = word->grant->expire_time;
    const bool expired = expire != 0 && time >= expire;
    return {expired ? ConsentState::kExpired : ConsentState::kGranted, word->version};
  }
  return {ConsentState::kNone, 0};
}

struct Recorded {
  v1::ConsentEvent event;
  TimeNs time = 0;
};

std::pair<ConsentState, int64_t> ByLedger(const std::vector<Recorded>& log, const ConsentUse& use,
                                          TimeNs time) {
  ConsentLedger ledger;
  int64_t version = 0;
  for (const auto& [event, recorded] : log) {
    if (recorded > time) break;
    ledger = ConsentDecider::Evolve(std::move(ledger), event, MetadataOf(++version, recorded));
  }
  const auto found = ledger.entries.find(use);
  const ConsentEntry* entry = found == ledger.entries.end() ? nullptr : &found->second;
  return {StateAt(entry, time), entry == nullptr ? 0 : entry->version};
}

TEST(ConsentLedgerProperty, AnswersAsTheListWrittenByHand) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    DrawConsents draw(seed);
    std::vector<Recorded> log;
    std::vector<Word> words;
    ConsentLedger ledger;
    TimeNs now = 0;
    for (int i = 0; i < 30; ++i) {
      now += draw.Below(3) * kSecond / 2;
      const auto record = [&](const ConsentDecider::Events& events) {
        for (const auto& event : events) {
          log.push_back({event, now});
          ledger = ConsentDecider::Evolve(std::move(ledger), event,
                                          MetadataOf(static_cast<int64_t>(log.size()), now));
        }
      };
      if (draw.Below(3) != 0) {
        const GrantConsent grant = draw.AGrant();
        const auto events = *ConsentDecider::Decide(ledger, grant);
        record(events);
        if (events.empty()) continue;
        words.push_back({grant.use, now, static_cast<int64_t>(log.size()), grant});
      } else {
        const WithdrawConsent withdrawal = draw.AWithdrawal();
        const auto events = *ConsentDecider::Decide(ledger, withdrawal);
        int64_t version = static_cast<int64_t>(log.size());
        record(events);
        for (const auto& event : events) {
          const auto& use = event.withdrawn();
          words.push_back({{use.purpose(), use.channel(), use.recipient()}, now, ++version, {}});
        }
      }
    }
    for (int i = 0; i < 40; ++i) {
      const ConsentUse use = draw.AUse();
      const TimeNs time = draw.Below(70) * kSecond / 2;
      EXPECT_EQ(ByLedger(log, use, time), ByHand(words, use, time));
    }
  }
}

}  // namespace
}  // namespace crm::contact
