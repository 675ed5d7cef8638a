#include "services/contact/domain/consent.h"

#include <utility>

#include "common/base/timestamp.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::contact {

static_assert(DeciderOf<ConsentDecider, GrantConsent, WithdrawConsent>);

namespace {

using crm::common::v1::EventMetadata;
using Events = ConsentDecider::Events;
using v1::ConsentEvent;

template <typename Message>
void WriteUse(const ConsentUse& use, Message* message) {
  message->set_purpose(use.purpose);
  message->set_channel(use.channel);
  message->set_recipient(use.recipient);
}

template <typename Message>
ConsentUse ReadUse(const Message& message) {
  return {message.purpose(), message.channel(), message.recipient()};
}

// The personal part is always set, so that its presence tells nothing.
ConsentEvent Granted(const GrantConsent& command) {
  ConsentEvent event;
  auto* granted = event.mutable_granted();
  granted->mutable_plain()->set_evidence(command.evidence);
  WriteUse(command.use, granted);
  granted->set_wording_version(command.wording_version);
  if (command.expire_time != 0) {
    SetTimestamp(command.expire_time, granted->mutable_expire_time());
  }
  return event;
}

ConsentEvent Withdrawn(const ConsentUse& use, const std::string& evidence) {
  ConsentEvent event;
  auto* withdrawn = event.mutable_withdrawn();
  withdrawn->mutable_plain()->set_evidence(evidence);
  WriteUse(use, withdrawn);
  return event;
}

bool Stands(const ConsentEntry& entry, const GrantConsent& command) {
  return !entry.withdrawn && entry.wording_version == command.wording_version &&
         entry.expire_time == command.expire_time && entry.evidence == command.evidence;
}

// A new use needs room for its entry.
absl::Status CheckRoom(const ConsentLedger& ledger, const ConsentUse& use) {
  if (ledger.entries.size() < kMaxConsents || ledger.entries.contains(use)) return absl::OkStatus();
  return Refused(kConsentLedgerFull,
                 "the contact has 1000 consents; name fewer purposes, channels or recipients");
}

Events WithdrawEveryChannel(const ConsentLedger& ledger, const WithdrawConsent& command) {
  Events events;
  for (const auto& [use, entry] : ledger.entries) {
    if (use.purpose != command.use.purpose || entry.withdrawn) continue;
    if (!command.use.recipient.empty() && use.recipient != command.use.recipient) continue;
    events.push_back(Withdrawn(use, command.evidence));
  }
  return events;
}

void Stamp(const EventMetadata& metadata, ConsentEntry* entry) {
  entry->version = metadata.aggregate_version();
  entry->decided_time = ToTimeNs(metadata.recorded_time());
}

void Grant(const v1::ConsentGranted& event, ConsentEntry* entry) {
  entry->withdrawn = false;
  entry->wording_version = event.wording_version();
  entry->expire_time = event.has_expire_time() ? ToTimeNs(event.expire_time()) : 0;
  entry->evidence = event.plain().evidence();
}

void Withdraw(std::string evidence, ConsentEntry* entry) {
  entry->withdrawn = true;
  entry->expire_time = 0;
  entry->evidence = std::move(evidence);
}

// What proves the past identifies the person and goes. Every consent ends with the erasure; what
// was withdrawn before keeps its own event.
void Erase(const EventMetadata& metadata, ConsentLedger* ledger) {
  ledger->erased = true;
  for (auto& [use, entry] : ledger->entries) {
    if (!entry.withdrawn) Stamp(metadata, &entry);
    Withdraw("", &entry);
  }
}

}  // namespace

ConsentLedger ConsentDecider::Evolve(ConsentLedger ledger, const ConsentEvent& event,
                                     const EventMetadata& metadata) {
  if (ledger.erased) return ledger;
  switch (event.event_case()) {
    case ConsentEvent::kGranted: {
      ConsentEntry& entry = ledger.entries[ReadUse(event.granted())];
      Grant(event.granted(), &entry);
      Stamp(metadata, &entry);
      return ledger;
    }
    case ConsentEvent::kWithdrawn: {
      ConsentEntry& entry = ledger.entries[ReadUse(event.withdrawn())];
      Withdraw(event.withdrawn().plain().evidence(), &entry);
      Stamp(metadata, &entry);
      return ledger;
    }
    case ConsentEvent::kErased:
      Erase(metadata, &ledger);
      return ledger;
    case ConsentEvent::EVENT_NOT_SET:
      return ledger;
  }
  return ledger;
}

absl::StatusOr<Events> ConsentDecider::Decide(const ConsentLedger& ledger,
                                              const GrantConsent& command) {
  if (ledger.erased) return RefuseIfGone(Existence::kErased);
  if (absl::Status gone = RefuseIfGone(command.contact); !gone.ok()) return gone;
  if (absl::Status full = CheckRoom(ledger, command.use); !full.ok()) return full;
  const auto found = ledger.entries.find(command.use);
  if (found != ledger.entries.end() && Stands(found->second, command)) return Events();
  return Events{Granted(command)};
}

absl::StatusOr<Events> ConsentDecider::Decide(const ConsentLedger& ledger,
                                              const WithdrawConsent& command) {
  const bool erased = ledger.erased || command.contact == Existence::kErased;
  if (erased) return RefuseIfGone(Existence::kErased);
  if (command.use.channel.empty()) return WithdrawEveryChannel(ledger, command);
  if (absl::Status full = CheckRoom(ledger, command.use); !full.ok()) return full;
  const auto found = ledger.entries.find(command.use);
  if (found != ledger.entries.end() && found->second.withdrawn) return Events();
  return Events{Withdrawn(command.use, command.evidence)};
}

ConsentState StateAt(const ConsentEntry* entry, TimeNs time) {
  if (entry == nullptr) return ConsentState::kNone;
  if (entry->withdrawn) return ConsentState::kWithdrawn;
  const bool expired = entry->expire_time != 0 && entry->expire_time <= time;
  return expired ? ConsentState::kExpired : ConsentState::kGranted;
}

}  // namespace crm::contact
