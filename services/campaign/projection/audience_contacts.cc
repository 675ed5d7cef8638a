#include "services/campaign/projection/audience_contacts.h"

#include <algorithm>
#include <tuple>

#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "crm/campaign/v1/audience_rows.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/campaign/projection/audience_fold.h"
#include "services/campaign/projection/row_keys.h"
#include "services/campaign/projection/view_rows.h"

namespace crm::campaign {
namespace {

using contact::v1::ConsentEvent;
using contact::v1::ContactEvent;
using contact::v1::ContactRecord;
using contact::v1::LifecycleEvent;

constexpr char kContact = 'c';
constexpr char kStage = 'l';
constexpr char kConsents = 'k';

template <typename Personal>
void SetTags(const Personal& personal, v1::AudienceContactRow* row) {
  *row->mutable_tags() = personal.tags();
  std::sort(row->mutable_tags()->begin(), row->mutable_tags()->end());
}

v1::AudienceContactRow Born(const contact::v1::ContactCreated& event, TimeNs time) {
  v1::AudienceContactRow row;
  row.set_kind(event.kind());
  row.set_language_code(event.language_code());
  row.set_region_code(event.region_code());
  row.set_time_zone(event.time_zone());
  SetTags(event.plain(), &row);
  row.set_create_time_ns(time);
  return row;
}

void Change(const contact::v1::ContactProfileChanged& event, v1::AudienceContactRow* row) {
  for (const std::string& field : event.changed_fields()) {
    if (field == "kind") row->set_kind(event.kind());
    if (field == "language_code") row->set_language_code(event.language_code());
    if (field == "region_code") row->set_region_code(event.region_code());
    if (field == "time_zone") row->set_time_zone(event.time_zone());
    if (field == "tags") SetTags(event.plain(), row);
  }
}

void Erase(v1::AudienceContactRow* row) {
  row->clear_tags();
  row->set_deleted(true);
  row->set_erased(true);
}

using Entry = v1::AudienceConsentsRow::Entry;

auto UseOf(const Entry& entry) {
  return std::tie(entry.purpose(), entry.channel(), entry.recipient());
}

// The entry of the use that `event` is about, made in its place where there is none.
template <typename Event>
Entry* EntryFor(const Event& event, v1::AudienceConsentsRow* row) {
  Entry wanted;
  wanted.set_purpose(event.purpose());
  wanted.set_channel(event.channel());
  wanted.set_recipient(event.recipient());
  auto& entries = *row->mutable_entries();
  const auto at =
      std::lower_bound(entries.begin(), entries.end(), wanted,
                       [](const Entry& a, const Entry& b) { return UseOf(a) < UseOf(b); });
  if (at != entries.end() && UseOf(*at) == UseOf(wanted)) return &*at;
  const auto index = at - entries.begin();
  *entries.Add() = std::move(wanted);
  std::rotate(entries.begin() + index, entries.end() - 1, entries.end());
  return &entries[static_cast<int>(index)];
}

void Grant(const contact::v1::ConsentGranted& event, int64_t version,
           v1::AudienceConsentsRow* row) {
  Entry* entry = EntryFor(event, row);
  entry->set_granted(true);
  entry->set_version(version);
  entry->set_expire_time_ns(event.has_expire_time() ? ToTimeNs(event.expire_time()) : 0);
}

void Withdraw(const contact::v1::ConsentWithdrawn& event, int64_t version,
              v1::AudienceConsentsRow* row) {
  Entry* entry = EntryFor(event, row);
  entry->set_granted(false);
  entry->set_version(version);
  entry->clear_expire_time_ns();
}

class ContactsFold final : public AudienceFold {
 public:
  ContactsFold(Partition partition, Rows& rows)
      : AudienceFold(partition, rows), partition_(partition), rows_(rows) {}

 private:
  absl::Status ApplyOne(const Whose& whose, const Event& event) override {
    switch (event.aggregate_field) {
      case ContactRecord::kContactFieldNumber:
        return OfContact(whose, *event.metadata,
                         static_cast<const ContactEvent&>(*event.aggregate_event));
      case ContactRecord::kConsentFieldNumber:
        return OfConsent(whose, event.metadata->aggregate_version(),
                         static_cast<const ConsentEvent&>(*event.aggregate_event));
      case ContactRecord::kLifecycleFieldNumber:
        OfLifecycle(whose, static_cast<const LifecycleEvent&>(*event.aggregate_event));
        return absl::OkStatus();
      default:
        return absl::OkStatus();
    }
  }

  absl::Status Forget(const Whose& whose) override {
    for (const char family : {kContact, kStage, kConsents}) rows_.Delete(Key(family, whose));
    return absl::OkStatus();
  }

  absl::Status OfContact(const Whose& whose, const common::v1::EventMetadata& metadata,
                         const ContactEvent& event) {
    if (event.has_created()) {
      Put(kContact, whose, Born(event.created(), ToTimeNs(metadata.recorded_time())));
      return absl::OkStatus();
    }
    CRM_ASSIGN_OR_RETURN(auto row, Get<v1::AudienceContactRow>(kContact, whose));
    if (!row || row->erased()) return absl::OkStatus();
    if (event.has_profile_changed()) Change(event.profile_changed(), &*row);
    if (event.has_deleted() || event.has_purged()) row->set_deleted(true);
    if (event.has_undeleted()) row->set_deleted(false);
    if (event.has_purged()) row->clear_tags();
    if (event.has_erased()) Erase(&*row);
    Put(kContact, whose, *row);
    return absl::OkStatus();
  }

  absl::Status OfConsent(const Whose& whose, int64_t version, const ConsentEvent& event) {
    if (event.has_erased()) {
      rows_.Delete(Key(kConsents, whose));
      return absl::OkStatus();
    }
    CRM_ASSIGN_OR_RETURN(auto found, Get<v1::AudienceConsentsRow>(kConsents, whose));
    v1::AudienceConsentsRow row = found.value_or(v1::AudienceConsentsRow());
    if (event.has_granted()) Grant(event.granted(), version, &row);
    if (event.has_withdrawn()) Withdraw(event.withdrawn(), version, &row);
    Put(kConsents, whose, row);
    return absl::OkStatus();
  }

  void OfLifecycle(const Whose& whose, const LifecycleEvent& event) {
    if (!event.has_stage_changed()) return;
    v1::AudienceStageRow row;
    row.set_stage(event.stage_changed().to());
    Put(kStage, whose, row);
  }

  std::string Key(char family, const Whose& whose) const {
    return TenantKey(partition_, family, whose.tenant, whose.id);
  }
  void Put(char family, const Whose& whose, const google::protobuf::MessageLite& row) {
    rows_.Put(Key(family, whose), row.SerializeAsString());
  }
  template <typename Row>
  absl::StatusOr<std::optional<Row>> Get(char family, const Whose& whose) {
    return ReadRow<Row>(rows_, Key(family, whose));
  }

  const Partition partition_;
  Rows& rows_;
};

}  // namespace

std::unique_ptr<Fold> AudienceContacts::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<ContactsFold>(partition, rows);
}

std::string AudienceContacts::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2) return "";
  switch (key[1]) {
    case kContact:
      return BusinessLineOf<v1::AudienceContactRow>(key, value,
                                                    [](auto* row) { row->clear_create_time_ns(); });
    case kStage:
      return BusinessLineOf<v1::AudienceStageRow>(key, value);
    case kConsents:
      return BusinessLineOf<v1::AudienceConsentsRow>(key, value, [](auto* row) {
        for (Entry& entry : *row->mutable_entries()) entry.clear_version();
      });
    default:
      return "";
  }
}

std::string AudienceContacts::ContactsPrefix(Partition partition, std::string_view tenant) {
  return TenantKey(partition, kContact, tenant, "");
}
std::string AudienceContacts::StageKey(Partition partition, std::string_view tenant,
                                       std::string_view id) {
  return TenantKey(partition, kStage, tenant, id);
}
std::string AudienceContacts::ConsentsKey(Partition partition, std::string_view tenant,
                                          std::string_view id) {
  return TenantKey(partition, kConsents, tenant, id);
}

}  // namespace crm::campaign
