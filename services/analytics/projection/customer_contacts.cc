#include "services/analytics/projection/customer_contacts.h"

#include <algorithm>
#include <tuple>

#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/analytics/projection/customer_fold.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

using contact::v1::Consent;
using contact::v1::ConsentEvent;
using contact::v1::ConsentLedger;
using contact::v1::Contact;
using contact::v1::ContactEvent;
using contact::v1::ContactRecord;
using contact::v1::Lifecycle;
using contact::v1::LifecycleEvent;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kProfile = 'c';
constexpr char kConsents = 'g';
constexpr char kLifecycle = 'l';

void CopyRepeated(const Message& from, const FieldDescriptor& source, Message* to,
                  const FieldDescriptor& target) {
  const auto* in = from.GetReflection();
  const auto* out = to->GetReflection();
  for (int i = 0; i < in->FieldSize(from, &source); ++i) {
    if (source.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      out->AddMessage(to, &target)->CopyFrom(in->GetRepeatedMessage(from, &source, i));
    } else {
      out->AddString(to, &target, in->GetRepeatedString(from, &source, i));
    }
  }
}

// Gives `to` the value of the field of this name, where both have it. The fields of a profile are
// named and typed alike in the contact and in its events.
void CopyField(const Message& from, const std::string& name, Message* to) {
  const FieldDescriptor* source = from.GetDescriptor()->FindFieldByName(name);
  const FieldDescriptor* target = to->GetDescriptor()->FindFieldByName(name);
  if (source == nullptr || target == nullptr) return;
  const auto* in = from.GetReflection();
  const auto* out = to->GetReflection();
  out->ClearField(to, target);
  if (source->is_repeated()) return CopyRepeated(from, *source, to, *target);
  switch (source->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return out->SetString(to, target, in->GetString(from, source));
    case FieldDescriptor::CPPTYPE_ENUM:
      return out->SetEnumValue(to, target, in->GetEnumValue(from, source));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (in->HasField(from, source)) {
        out->MutableMessage(to, target)->CopyFrom(in->GetMessage(from, source));
      }
      return;
    default:
      return;
  }
}

void CopyAll(const Message& from, Message* to) {
  for (int i = 0; i < from.GetDescriptor()->field_count(); ++i) {
    CopyField(from, from.GetDescriptor()->field(i)->name(), to);
  }
}

// As the contact service: who has no kind is a person.
void SetKind(Contact* contact) {
  if (contact->kind() == Contact::KIND_UNSPECIFIED) contact->set_kind(Contact::PERSON);
}

// `resource` after an event of this version.
template <typename Resource>
void SetHistory(const common::v1::EventMetadata& metadata, Resource* resource) {
  resource->set_name(metadata.aggregate());
  resource->set_etag(std::to_string(metadata.aggregate_version()));
  if (!resource->has_create_time()) {
    SetTimestamp(RecordedTime(metadata), resource->mutable_create_time());
  }
  SetTimestamp(RecordedTime(metadata), resource->mutable_update_time());
}

void Create(const contact::v1::ContactCreated& created, Contact* contact) {
  CopyAll(created, contact);
  CopyAll(created.plain(), contact);
  SetKind(contact);
}

constexpr std::string_view kCustomPrefix = "custom_fields.";

// One declared field's value: by field, in its place; none where it was cleared.
void SetCustom(const std::string& id, const contact::v1::ContactPersonal& from, Contact* contact) {
  auto* values = contact->mutable_custom_fields();
  values->erase(std::remove_if(values->begin(), values->end(),
                               [&id](const auto& value) { return value.field() == id; }),
                values->end());
  for (const auto& value : from.custom_fields()) {
    if (value.field() == id) *values->Add() = value;
  }
  std::sort(values->begin(), values->end(),
            [](const auto& a, const auto& b) { return a.field() < b.field(); });
}

void Change(const contact::v1::ContactProfileChanged& changed, Contact* contact) {
  for (const std::string& field : changed.changed_fields()) {
    if (field.starts_with(kCustomPrefix)) {
      SetCustom(field.substr(kCustomPrefix.size()), changed.plain(), contact);
      continue;
    }
    CopyField(changed, field, contact);
    CopyField(changed.plain(), field, contact);
  }
  SetKind(contact);
}

// What a pseudonym keeps.
Contact Erased(const Contact& contact) {
  Contact left;
  left.set_kind(contact.kind());
  left.set_language_code(contact.language_code());
  left.set_region_code(contact.region_code());
  left.set_time_zone(contact.time_zone());
  if (contact.has_create_time()) *left.mutable_create_time() = contact.create_time();
  return left;
}

Contact Purged(const Contact& contact) {
  Contact left;
  *left.mutable_create_time() = contact.create_time();
  return left;
}

void Alias(const contact::v1::AliasRecorded& alias, Contact* contact) {
  contact->clear_purge_time();
  contact->set_moved_to(alias.contact());
  if (alias.plain().has_external_key()) {
    *contact->mutable_external_key() = alias.plain().external_key();
  }
}

// A stage of a later version moves nothing.
void Advance(const contact::v1::LifecycleStageChanged& change, TimeNs time, Lifecycle* lifecycle) {
  const bool is_stage = contact::v1::LifecycleStage_IsValid(change.to()) &&
                        change.to() != contact::v1::LIFECYCLE_STAGE_UNSPECIFIED;
  if (!is_stage) return;
  lifecycle->set_stage(change.to());
  lifecycle->set_reason(change.reason());
  lifecycle->set_evidence(change.plain().evidence());
  if (lifecycle->has_stage_time()) time = std::max(time, ToTimeNs(lifecycle->stage_time()));
  SetTimestamp(time, lifecycle->mutable_stage_time());
}

auto PlaceOf(const Consent& consent) {
  return std::tie(consent.purpose(), consent.channel(), consent.recipient());
}

// The entry for what the event is about, in its place.
template <typename ConsentMessage>
Consent* EntryOf(const ConsentMessage& event, ConsentLedger* ledger) {
  Consent wanted;
  wanted.set_purpose(event.purpose());
  wanted.set_channel(event.channel());
  wanted.set_recipient(event.recipient());
  auto* entries = ledger->mutable_consents();
  const auto place =
      std::lower_bound(entries->begin(), entries->end(), wanted,
                       [](const auto& a, const auto& b) { return PlaceOf(a) < PlaceOf(b); });
  const auto index = static_cast<int>(place - entries->begin());
  if (index < entries->size() && PlaceOf(entries->Get(index)) == PlaceOf(wanted)) {
    return entries->Mutable(index);
  }
  entries->Add(std::move(wanted));
  std::rotate(entries->begin() + index, entries->end() - 1, entries->end());
  return entries->Mutable(index);
}

class ContactsFold final : public CustomerFold {
 public:
  using CustomerFold::CustomerFold;

 protected:
  absl::Status ApplyOne(const Event& event, std::string_view tenant, std::string_view id) override {
    switch (event.aggregate_field) {
      case ContactRecord::kContactFieldNumber:
        return ApplyContact(event, ContactKey(partition(), kProfile, tenant, id));
      case ContactRecord::kConsentFieldNumber:
        return ApplyConsent(event, ContactKey(partition(), kConsents, tenant, id));
      case ContactRecord::kLifecycleFieldNumber:
        return ApplyLifecycle(event, ContactKey(partition(), kLifecycle, tenant, id));
      default:
        return absl::OkStatus();
    }
  }

  absl::Status Forget(std::string_view tenant, std::string_view id) override {
    for (const char family : {kProfile, kConsents, kLifecycle}) {
      rows().Delete(ContactKey(partition(), family, tenant, id));
    }
    return absl::OkStatus();
  }

 private:
  // The row's message; a new one where there is none.
  template <typename M>
  absl::StatusOr<M> Read(const Event& event, const std::string& key) {
    if (event.metadata->aggregate_version() == 1) return M();
    CRM_ASSIGN_OR_RETURN(auto row, ParseRow<M>(CustomerContacts::kName, rows().Get(key)));
    return row ? *std::move(row) : M();
  }

  absl::Status ApplyContact(const Event& event, std::string key) {
    const auto& content = static_cast<const ContactEvent&>(*event.aggregate_event);
    CRM_ASSIGN_OR_RETURN(Contact contact, Read<Contact>(event, key));
    if (contact.has_erase_time()) return absl::OkStatus();
    if (content.has_created()) contact.clear_purge_time();
    if (content.has_created()) Create(content.created(), &contact);
    if (content.has_profile_changed()) Change(content.profile_changed(), &contact);
    if (content.has_erased()) contact = Erased(contact);
    if (content.has_undeleted()) contact.clear_delete_time();
    if (content.has_purged()) contact = Purged(contact);
    if (content.has_key_linked() && content.key_linked().plain().has_external_key()) {
      *contact.add_linked_keys() = content.key_linked().plain().external_key();
    }
    if (content.has_alias_recorded()) Alias(content.alias_recorded(), &contact);
    SetHistory(*event.metadata, &contact);
    if (content.has_purged()) *contact.mutable_purge_time() = contact.update_time();
    if (content.has_deleted()) *contact.mutable_delete_time() = contact.update_time();
    if (content.has_erased()) *contact.mutable_erase_time() = contact.update_time();
    rows().Put(std::move(key), contact.SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status ApplyConsent(const Event& event, std::string key) {
    const auto& content = static_cast<const ConsentEvent&>(*event.aggregate_event);
    CRM_ASSIGN_OR_RETURN(ConsentLedger ledger, Read<ConsentLedger>(event, key));
    if (ledger.has_erase_time()) return absl::OkStatus();
    if (content.has_granted()) {
      Consent* entry = EntryOf(content.granted(), &ledger);
      entry->set_state(Consent::GRANTED);
      entry->set_wording_version(content.granted().wording_version());
      entry->clear_expire_time();
      if (content.granted().has_expire_time()) {
        *entry->mutable_expire_time() = content.granted().expire_time();
      }
      entry->set_evidence(content.granted().plain().evidence());
      SetDecision(*event.metadata, entry);
    }
    if (content.has_withdrawn()) {
      Consent* entry = EntryOf(content.withdrawn(), &ledger);
      Withdraw(content.withdrawn().plain().evidence(), entry);
      SetDecision(*event.metadata, entry);
    }
    SetHistory(*event.metadata, &ledger);
    if (content.has_erased()) EraseLedger(*event.metadata, &ledger);
    rows().Put(std::move(key), ledger.SerializeAsString());
    return absl::OkStatus();
  }

  static void Withdraw(const std::string& evidence, Consent* entry) {
    entry->set_state(Consent::WITHDRAWN);
    entry->set_evidence(evidence);
    entry->clear_expire_time();
  }

  // Every consent ends; what was withdrawn before keeps its own event.
  static void EraseLedger(const common::v1::EventMetadata& metadata, ConsentLedger* ledger) {
    for (Consent& entry : *ledger->mutable_consents()) {
      if (entry.state() != Consent::WITHDRAWN) SetDecision(metadata, &entry);
      Withdraw("", &entry);
    }
    *ledger->mutable_erase_time() = ledger->update_time();
  }

  static void SetDecision(const common::v1::EventMetadata& metadata, Consent* entry) {
    entry->set_version(metadata.aggregate_version());
    SetTimestamp(RecordedTime(metadata), entry->mutable_decided_time());
  }

  absl::Status ApplyLifecycle(const Event& event, std::string key) {
    const auto& content = static_cast<const LifecycleEvent&>(*event.aggregate_event);
    CRM_ASSIGN_OR_RETURN(Lifecycle lifecycle, Read<Lifecycle>(event, key));
    if (lifecycle.has_erase_time()) return absl::OkStatus();
    if (lifecycle.stage() == contact::v1::LIFECYCLE_STAGE_UNSPECIFIED) {
      lifecycle.set_stage(contact::v1::SUSPECT);
    }
    if (content.has_stage_changed()) {
      Advance(content.stage_changed(), OccurredTime(*event.metadata), &lifecycle);
    }
    SetHistory(*event.metadata, &lifecycle);
    if (content.has_erased()) {
      lifecycle.clear_evidence();
      *lifecycle.mutable_erase_time() = lifecycle.update_time();
    }
    rows().Put(std::move(key), lifecycle.SerializeAsString());
    return absl::OkStatus();
  }
};

template <typename M>
absl::StatusOr<std::optional<M>> Find(const RowReader& rows, char family, std::string_view tenant,
                                      std::string_view id) {
  const Partition partition = PartitionOfSubject(tenant, ContactName(id));
  return ParseRow<M>(CustomerContacts::kName, rows.Get(ContactKey(partition, family, tenant, id)));
}

}  // namespace

std::unique_ptr<Fold> CustomerContacts::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<ContactsFold>(partition, rows);
}

std::string CustomerContacts::BusinessLine(std::string_view key, std::string_view value) const {
  switch (key.size() < 2 ? '\0' : key[1]) {
    case kProfile:
      return BusinessText(key, value, Contact::default_instance());
    case kConsents:
      return BusinessText(key, value, ConsentLedger::default_instance());
    case kLifecycle:
      return BusinessText(key, value, Lifecycle::default_instance());
    default:
      return "";
  }
}

absl::StatusOr<std::optional<Contact>> CustomerContacts::Profile(const RowReader& rows,
                                                                 std::string_view tenant,
                                                                 std::string_view id) {
  return Find<Contact>(rows, kProfile, tenant, id);
}

absl::StatusOr<std::optional<ConsentLedger>> CustomerContacts::Consents(const RowReader& rows,
                                                                        std::string_view tenant,
                                                                        std::string_view id) {
  return Find<ConsentLedger>(rows, kConsents, tenant, id);
}

absl::StatusOr<std::optional<Lifecycle>> CustomerContacts::Lifecycle(const RowReader& rows,
                                                                     std::string_view tenant,
                                                                     std::string_view id) {
  return Find<contact::v1::Lifecycle>(rows, kLifecycle, tenant, id);
}

}  // namespace crm::analytics
