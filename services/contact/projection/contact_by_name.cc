#include "services/contact/projection/contact_by_name.h"

#include <algorithm>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/projection/collation.h"
#include "services/contact/projection/contact_aggregate.h"

namespace crm::contact {
namespace {

constexpr int kRowsVersion = 1;
constexpr std::string_view kCollection = "contacts/";
constexpr char kInOrder = 'n';
constexpr char kPlaceOf = 'c';

std::string Key(Partition partition, char family, std::string_view tenant) {
  std::string key{static_cast<char>(partition), family};
  key.append(tenant);
  key.push_back('\0');
  return key;
}

std::string Place(std::string_view collation_key, std::string_view id) {
  std::string place(collation_key);
  place.push_back('\0');
  place.append(id);
  return place;
}

std::string_view IdOf(std::string_view name) {
  return name.substr(kCollection.size());
}

// The display name after the event; nothing where the event leaves it as it is.
std::optional<std::string_view> NewName(const v1::ContactEvent& event) {
  if (event.has_created()) return event.created().plain().display_name();
  if (!event.has_profile_changed()) return std::nullopt;
  const auto& changed = event.profile_changed().changed_fields();
  if (std::find(changed.begin(), changed.end(), "display_name") == changed.end()) {
    return std::nullopt;
  }
  return event.profile_changed().plain().display_name();
}

class ByNameFold final : public Fold {
 public:
  ByNameFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    for (const Event& event : command) {
      if (event.aggregate_field != ContactAggregate::kRecordField) continue;
      if (!event.metadata->aggregate().starts_with(kCollection)) continue;
      CRM_RETURN_IF_ERROR(
          ApplyOne(*event.metadata, static_cast<const v1::ContactEvent&>(*event.aggregate_event)));
    }
    return absl::OkStatus();
  }

  absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset,
                          const absl::Status&) override {
    if (!subject.starts_with(kCollection)) return absl::OkStatus();
    return Leave(tenant, IdOf(subject));
  }

  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  absl::Status ApplyOne(const common::v1::EventMetadata& metadata, const v1::ContactEvent& event) {
    const std::string& tenant = metadata.tenant();
    const std::string_view id = IdOf(metadata.aggregate());
    if (event.has_deleted() || event.has_erased()) return Leave(tenant, id);
    const auto name = NewName(event);
    if (!name) return absl::OkStatus();
    // A contact's first event finds no row of it, which spares a bulk rebuild most of its reads.
    if (metadata.aggregate_version() > 1) {
      CRM_ASSIGN_OR_RETURN(const bool listed, IsListed(tenant, id));
      if (!listed) return absl::OkStatus();
      CRM_RETURN_IF_ERROR(Leave(tenant, id));
    }
    Enter(tenant, id, CollationKey(*name));
    return absl::OkStatus();
  }

  // False for the deleted, erased and unreadable.
  absl::StatusOr<bool> IsListed(std::string_view tenant, std::string_view id) {
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(Key(partition_, kPlaceOf, tenant).append(id)));
    return row.has_value();
  }

  void Enter(std::string_view tenant, std::string_view id, std::string collation_key) {
    rows_.Put(Key(partition_, kInOrder, tenant).append(Place(collation_key, id)), "");
    rows_.Put(Key(partition_, kPlaceOf, tenant).append(id), std::move(collation_key));
  }

  absl::Status Leave(std::string_view tenant, std::string_view id) {
    std::string place_key = Key(partition_, kPlaceOf, tenant).append(id);
    CRM_ASSIGN_OR_RETURN(const auto collation_key, rows_.Get(place_key));
    if (!collation_key) return absl::OkStatus();
    rows_.Delete(Key(partition_, kInOrder, tenant).append(Place(*collation_key, id)));
    rows_.Delete(std::move(place_key));
    return absl::OkStatus();
  }

  const Partition partition_;
  Rows& rows_;
};

}  // namespace

ContactByName::ContactByName() : version_(kRowsVersion << 24 | CollationVersion()) {}

std::unique_ptr<Fold> ContactByName::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<ByNameFold>(partition, rows);
}

std::string ContactByName::BusinessLine(std::string_view key, std::string_view) const {
  if (key.size() < 2 || key[1] != kInOrder) return "";
  const size_t tenant_end = key.find('\0', 2);
  const size_t name_end = key.rfind('\0');
  return std::string(key.substr(2, tenant_end - 2)) + " " + std::string(key.substr(name_end + 1)) +
         " " + Hex(key.substr(tenant_end + 1, name_end - tenant_end - 1));
}

std::string ContactByName::ListPrefix(Partition partition, std::string_view tenant) {
  return Key(partition, kInOrder, tenant);
}

std::string ContactByName::NameAt(std::string_view place) {
  return std::string(kCollection).append(place.substr(place.rfind('\0') + 1));
}

}  // namespace crm::contact
