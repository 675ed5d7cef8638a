#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "crm/common/v1/event.pb.h"
#include "crm/contact/v1/consent.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/contact.h"

namespace crm::contact {

inline constexpr std::string_view kConsentLedgerFull = "CONSENT_LEDGER_FULL";

// Entries of one ledger, so that its row stays small.
inline constexpr size_t kMaxConsents = 1000;

// One use of a person's data: for what, over which channel, by whom (empty: the tenant itself).
struct ConsentUse {
  std::string purpose;
  std::string channel;
  std::string recipient;
  auto operator<=>(const ConsentUse&) const = default;
};

// The last word on one use.
struct ConsentEntry {
  bool withdrawn = false;
  // Of the last grant; empty where there was none.
  std::string wording_version;
  // The consent no longer counts from here on; 0 = until withdrawn.
  TimeNs expire_time = 0;
  std::string evidence;
  // The event that said so: version of the ledger after it, and when it was recorded.
  int64_t version = 0;
  TimeNs decided_time = 0;
  bool operator==(const ConsentEntry&) const = default;
};

// All consents of one contact. Only Evolve builds it.
struct ConsentLedger {
  std::map<ConsentUse, ConsentEntry> entries;
  // Its person was erased: every entry is withdrawn, and none is granted any more.
  bool erased = false;
  bool operator==(const ConsentLedger&) const = default;
};

struct GrantConsent {
  ConsentUse use;
  std::string wording_version;
  TimeNs expire_time = 0;
  std::string evidence;
  // Of the contact, at the moment of the decision.
  Existence contact = Existence::kUnknown;
};

// Without a channel: every use of the purpose that is granted, and of the recipient where one is
// named. Wide on purpose: who takes back a purpose as a whole does not mean to leave a partner out.
struct WithdrawConsent {
  ConsentUse use;
  std::string evidence;
  Existence contact = Existence::kUnknown;
};

// No clock decides: a grant that has expired is still one that was granted, and whether it counts
// is asked for a time (StateAt). The erasure law of ContactDecider holds here too.
struct ConsentDecider {
  using State = ConsentLedger;
  using Event = v1::ConsentEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State ledger, const Event& event,
                      const crm::common::v1::EventMetadata& metadata =
                          crm::common::v1::EventMetadata::default_instance());

  //              not the same grant   the same grant   contact deleted    erased
  //   Grant      granted              nothing          CONTACT_DELETED    CONTACT_ERASED
  //
  //              granted or never     withdrawn        contact deleted    erased
  //   Withdraw   withdrawn            nothing          as if living       CONTACT_ERASED
  static absl::StatusOr<Events> Decide(const State& ledger, const GrantConsent& command);
  static absl::StatusOr<Events> Decide(const State& ledger, const WithdrawConsent& command);
};

enum class ConsentState : uint8_t { kNone, kGranted, kWithdrawn, kExpired };

// Whether an entry (null: there is none) consents at `time`: expired from its expire_time on.
ConsentState StateAt(const ConsentEntry* entry, TimeNs time);

}  // namespace crm::contact
