#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/random.h"
#include "common/base/timestamp.h"
#include "services/contact/domain/consent.h"
#include "tests/support/given_when_then.h"

// Consents, their events and random ones, for the tests of the contact service.
namespace crm::contact::testing {

inline const ConsentUse kMail{"marketing", "email", ""};

inline v1::ConsentEvent GrantedEvent(const GrantConsent& command) {
  const auto events = ConsentDecider::Decide({}, command);
  EXPECT_TRUE(events.ok() && events->size() == 1) << events.status();
  return events.ok() ? (*events)[0] : v1::ConsentEvent();
}

inline v1::ConsentEvent WithdrawnEvent(const ConsentUse& use, std::string evidence = "") {
  const auto events = ConsentDecider::Decide({}, WithdrawConsent{use, std::move(evidence)});
  EXPECT_TRUE(events.ok() && events->size() == 1) << events.status();
  return events.ok() ? (*events)[0] : v1::ConsentEvent();
}

inline v1::ConsentEvent ConsentsErased() {
  v1::ConsentEvent event;
  event.mutable_erased()->set_reason("request");
  return event;
}

// What is left of an event once its key is destroyed.
inline v1::ConsentEvent Shredded(v1::ConsentEvent event) {
  if (event.has_granted()) event.mutable_granted()->clear_personal();
  if (event.has_withdrawn()) event.mutable_withdrawn()->clear_personal();
  return event;
}

inline crm::common::v1::EventMetadata MetadataOf(int64_t version, TimeNs recorded) {
  crm::common::v1::EventMetadata metadata;
  metadata.set_aggregate_version(version);
  SetTimestamp(recorded, metadata.mutable_recorded_time());
  return metadata;
}

// Recorded as versions 1, 2, 3 …, a second apart.
inline ConsentLedger FoldConsents(const std::vector<v1::ConsentEvent>& events) {
  ConsentLedger ledger;
  int64_t version = 0;
  for (const auto& event : events) {
    ++version;
    ledger =
        ConsentDecider::Evolve(std::move(ledger), event, MetadataOf(version, version * kSecond));
  }
  return ledger;
}

// Draws from few values, so that equal ones are frequent.
class DrawConsents {
 public:
  explicit DrawConsents(uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }

  ConsentUse AUse() {
    return {Pick({"marketing", "service"}), Pick({"email", "post", "sms"}), Pick({"", "partner"})};
  }
  GrantConsent AGrant() {
    return {.use = AUse(),
            .wording_version = Pick({"", "v1", "v2"}),
            .expire_time = Below(2) == 0 ? 0 : (1 + Below(30)) * kSecond,
            .evidence = Pick({"", "form 7"})};
  }
  WithdrawConsent AWithdrawal() {
    WithdrawConsent command{.use = AUse(), .evidence = Pick({"", "call of May"})};
    if (Below(4) == 0) command.use.channel.clear();
    return command;
  }
  // Any event, also one that no command would record next.
  v1::ConsentEvent AnEvent() {
    switch (Below(12)) {
      case 0:
        return Below(3) == 0 ? ConsentsErased() : v1::ConsentEvent();
      case 1:
        return Shredded(GrantedEvent(AGrant()));
      case 2:
      case 3:
      case 4:
        return WithdrawnEvent(AUse(), "call");
      default:
        return GrantedEvent(AGrant());
    }
  }

 private:
  std::string Pick(std::vector<std::string> values) {
    return values[static_cast<size_t>(Below(static_cast<int>(values.size())))];
  }

  SeededRandom random_;
};

}  // namespace crm::contact::testing
