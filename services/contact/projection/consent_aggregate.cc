#include "services/contact/projection/consent_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::contact {
namespace {

ConsentEntry LoadEntry(const v1::Consent& consent) {
  return {.withdrawn = consent.state() == v1::Consent::WITHDRAWN,
          .wording_version = consent.wording_version(),
          .expire_time = consent.has_expire_time() ? ToTimeNs(consent.expire_time()) : 0,
          .evidence = consent.evidence(),
          .version = consent.version(),
          .decided_time = ToTimeNs(consent.decided_time())};
}

void StoreEntry(const ConsentUse& use, const ConsentEntry& entry, v1::Consent* consent) {
  consent->set_purpose(use.purpose);
  consent->set_channel(use.channel);
  consent->set_recipient(use.recipient);
  consent->set_state(entry.withdrawn ? v1::Consent::WITHDRAWN : v1::Consent::GRANTED);
  consent->set_wording_version(entry.wording_version);
  if (entry.expire_time != 0) SetTimestamp(entry.expire_time, consent->mutable_expire_time());
  consent->set_evidence(entry.evidence);
  consent->set_version(entry.version);
  SetTimestamp(entry.decided_time, consent->mutable_decided_time());
}

}  // namespace

ConsentLedger ConsentAggregate::Load(const v1::ConsentLedger& resource) {
  ConsentLedger ledger{.erased = resource.has_erase_time()};
  for (const v1::Consent& consent : resource.consents()) {
    ledger.entries.emplace_hint(
        ledger.entries.end(), ConsentUse{consent.purpose(), consent.channel(), consent.recipient()},
        LoadEntry(consent));
  }
  return ledger;
}

v1::ConsentLedger ConsentAggregate::Store(const ConsentLedger& ledger, const AggregateInfo& info) {
  v1::ConsentLedger resource;
  resource.set_name(info.name);
  for (const auto& [use, entry] : ledger.entries) {
    StoreEntry(use, entry, resource.add_consents());
  }
  resource.set_etag(std::to_string(info.version));
  // Shown where a command had nothing to record of it.
  if (info.version == 0) return resource;
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (ledger.erased) SetTimestamp(info.update_time, resource.mutable_erase_time());
  return resource;
}

}  // namespace crm::contact
