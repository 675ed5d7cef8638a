#include "services/contact/projection/contact_index.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/projection/collation.h"
#include "services/contact/projection/contact_aggregate.h"
#include "services/contact/projection/name_words.h"

namespace crm::contact {
namespace {

constexpr int kRowsVersion = 1;
constexpr std::string_view kCollection = "contacts/";
constexpr char kFacets = 'e';
constexpr char kWords = 'w';
constexpr char kContact = 'c';
constexpr size_t kHashBytes = 8;
constexpr size_t kTimeBytes = 8;
// Hashes of values that many contacts share, remembered by a fold.
constexpr size_t kMaxRemembered = 1000;

using Order = ContactIndex::Order;
using Facet = ContactIndex::Facet;
using IndexRows = std::vector<std::pair<std::string, std::string>>;

std::string Key(Partition partition, char family, std::string_view tenant) {
  std::string key{static_cast<char>(partition), family};
  key.append(tenant);
  key.push_back('\0');
  return key;
}

std::string_view IdOf(std::string_view name) {
  return name.substr(kCollection.size());
}

std::string NameOf(std::string_view id) {
  return std::string(kCollection).append(id);
}

absl::Status Unreadable() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the view contact-index cannot be read; rebuild the projection");
}

absl::Status NoSecret() {
  return Error(absl::StatusCode::kFailedPrecondition, "SECRET_UNKNOWN",
               "the view contact-index is folded with the deployment's secret, which is not beside "
               "the data; start the server, which reads --secret-file");
}

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(size), b.begin()).first -
      a.begin());
}

// --- the contact as the rows see it

// Takes one field from an event, where rows are made of it.
template <typename Event>
void Take(const std::string& field, const Event& event, v1::Contact* contact) {
  const v1::ContactPersonal& plain = event.plain();
  if (field == "kind") contact->set_kind(event.kind());
  if (field == "display_name") contact->set_display_name(plain.display_name());
  if (field == "given_name") contact->set_given_name(plain.given_name());
  if (field == "family_name") contact->set_family_name(plain.family_name());
  if (field == "emails") *contact->mutable_emails() = plain.emails();
  if (field == "phones") *contact->mutable_phones() = plain.phones();
  if (field == "language_code") contact->set_language_code(event.language_code());
  if (field == "region_code") contact->set_region_code(event.region_code());
  if (field == "tags") *contact->mutable_tags() = plain.tags();
}

v1::Contact Born(const v1::ContactCreated& event) {
  v1::Contact contact;
  for (const char* field : {"kind", "display_name", "given_name", "family_name", "emails", "phones",
                            "language_code", "region_code", "tags"}) {
    Take(field, event, &contact);
  }
  if (event.plain().has_external_key()) {
    contact.mutable_external_key()->set_source(event.plain().external_key().source());
  }
  return contact;
}

// --- rows

// Makes the rows of one partition's contacts. Not thread-safe.
class RowMaker {
 public:
  RowMaker(Partition partition, const Secret& secret) : partition_(partition), secret_(secret) {}

  // But the one that holds the contact itself. None of a deleted or purged one.
  IndexRows RowsOf(const std::string& tenant, std::string_view id, const v1::Contact& contact) {
    rows_.clear();
    if (contact.has_delete_time() || contact.has_purge_time()) return {};
    AddOrder(tenant, id, Order::kDisplayName, ContactIndex::NamePlace(contact.display_name()));
    AddOrder(tenant, id, Order::kFamilyName, ContactIndex::NamePlace(contact.family_name()));
    AddTimes(tenant, id, contact);
    AddFacets(tenant, id, contact);
    AddWords(tenant, id, contact);
    return std::move(rows_);
  }

  std::string ContactKey(std::string_view tenant, std::string_view id) const {
    return Key(partition_, kContact, tenant).append(id);
  }

 private:
  void Add(std::string key, std::string value = "") {
    rows_.emplace_back(std::move(key), std::move(value));
  }

  void AddOrder(const std::string& tenant, std::string_view id, Order order, std::string place) {
    Add(ContactIndex::OrderPrefix(partition_, tenant, order).append(place).append(id));
  }

  void AddTimes(const std::string& tenant, std::string_view id, const v1::Contact& contact) {
    const auto place = [](const google::protobuf::Timestamp& time) {
      return ContactIndex::TimePlace(ToTimeNs(time));
    };
    AddOrder(tenant, id, Order::kCreateTime, place(contact.create_time()));
    AddOrder(tenant, id, Order::kUpdateTime, place(contact.update_time()));
  }

  void AddFacets(const std::string& tenant, std::string_view id, const v1::Contact& contact) {
    for (const auto& email : contact.emails()) AddFacet(tenant, id, Facet::kEmail, email);
    for (const auto& phone : contact.phones()) AddFacet(tenant, id, Facet::kPhone, phone);
    for (const auto& tag : contact.tags()) AddFacet(tenant, id, Facet::kTag, tag);
    AddFacet(tenant, id, Facet::kSource, contact.external_key().source());
    AddFacet(tenant, id, Facet::kRegion, contact.region_code());
    AddFacet(tenant, id, Facet::kLanguage, contact.language_code());
    if (contact.kind() == v1::Contact::ORGANIZATION) {
      AddFacet(tenant, id, Facet::kKind, v1::Contact::Kind_Name(contact.kind()));
    }
  }

  void AddFacet(const std::string& tenant, std::string_view id, Facet facet,
                const std::string& value) {
    if (value.empty()) return;
    Add(ContactIndex::FacetPrefix(partition_, tenant, HashOf(tenant, facet, value)).append(id));
  }

  const std::string& HashOf(const std::string& tenant, Facet facet, const std::string& value) {
    if (facet == Facet::kEmail || facet == Facet::kPhone) {
      hash_ = ContactIndex::FacetHash(secret_, tenant, facet, value);
      return hash_;
    }
    if (remembered_.size() >= kMaxRemembered) remembered_.clear();
    std::string key = tenant + '\0' + static_cast<char>(facet) + value;
    const auto [at, added] = remembered_.try_emplace(std::move(key));
    if (added) at->second = ContactIndex::FacetHash(secret_, tenant, facet, value);
    return at->second;
  }

  void AddWords(const std::string& tenant, std::string_view id, const v1::Contact& contact) {
    std::string before;
    for (std::string& key :
         SearchKeys({contact.display_name(), contact.given_name(), contact.family_name()},
                    kMaxSearchKey)) {
      std::string row = ContactIndex::WordPrefix(partition_, tenant).append(key);
      row.push_back('\0');
      Add(row.append(id), std::string(1, static_cast<char>(CommonPrefix(before, key))));
      before = std::move(key);
    }
  }

  const Partition partition_;
  const Secret& secret_;
  IndexRows rows_;
  std::string hash_;
  absl::flat_hash_map<std::string, std::string> remembered_;
};

class IndexFold final : public Fold {
 public:
  IndexFold(Partition partition, const Secret& secret, Rows& rows)
      : maker_(partition, secret), rows_(rows) {}

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
    const std::string owner(tenant);
    CRM_ASSIGN_OR_RETURN(const auto before, Find(owner, IdOf(subject)));
    if (before) Change(owner, IdOf(subject), before, std::nullopt);
    return absl::OkStatus();
  }

  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  using Known = std::optional<v1::Contact>;

  absl::Status ApplyOne(const common::v1::EventMetadata& metadata, const v1::ContactEvent& event) {
    const std::string_view id = IdOf(metadata.aggregate());
    Known before;
    // A contact's first event finds no row of it, which spares a bulk rebuild most of its reads.
    if (metadata.aggregate_version() > 1) {
      CRM_ASSIGN_OR_RETURN(before, Find(metadata.tenant(), id));
    }
    if (!event.has_created()) {
      if (!before) return absl::OkStatus();
      if (before->has_purge_time() && !event.has_erased()) return absl::OkStatus();
    }
    Change(metadata.tenant(), id, before, After(before, metadata, event));
    return absl::OkStatus();
  }

  static Known After(const Known& before, const common::v1::EventMetadata& metadata,
                     const v1::ContactEvent& event) {
    if (event.has_erased()) return std::nullopt;
    v1::Contact contact;
    if (event.has_purged()) {
      *contact.mutable_create_time() = before->create_time();
      *contact.mutable_purge_time() = metadata.recorded_time();
      return contact;
    }
    if (event.has_created()) {
      contact = Born(event.created());
      *contact.mutable_create_time() = before ? before->create_time() : metadata.recorded_time();
    } else {
      contact = *before;
    }
    for (const auto& field : event.profile_changed().changed_fields()) {
      Take(field, event.profile_changed(), &contact);
    }
    *contact.mutable_update_time() = metadata.recorded_time();
    if (event.has_deleted()) *contact.mutable_delete_time() = metadata.recorded_time();
    if (event.has_undeleted()) contact.clear_delete_time();
    return contact;
  }

  absl::StatusOr<Known> Find(const std::string& tenant, std::string_view id) {
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(maker_.ContactKey(tenant, id)));
    if (!row) return std::nullopt;
    v1::Contact contact;
    if (!contact.ParseFromString(*row)) return contact::Unreadable();
    return contact;
  }

  // Writes what differs.
  void Change(const std::string& tenant, std::string_view id, const Known& before,
              const Known& after) {
    IndexRows old_rows, new_rows;
    if (before) old_rows = maker_.RowsOf(tenant, id, *before);
    if (after) new_rows = maker_.RowsOf(tenant, id, *after);
    if (before) {
      std::sort(old_rows.begin(), old_rows.end());
      std::sort(new_rows.begin(), new_rows.end());
    }
    for (auto& [key, value] : old_rows) {
      const auto same = std::lower_bound(new_rows.begin(), new_rows.end(), std::pair(key, value));
      if (same == new_rows.end() || same->first != key) rows_.Delete(key);
    }
    for (auto& row : new_rows) {
      const bool stands = std::binary_search(old_rows.begin(), old_rows.end(), row);
      if (!stands) rows_.Put(std::move(row.first), std::move(row.second));
    }
    std::string key = maker_.ContactKey(tenant, id);
    if (!after) return rows_.Delete(std::move(key));
    rows_.Put(std::move(key), after->SerializeAsString());
  }

  RowMaker maker_;
  Rows& rows_;
};

// Of whoever has no secret.
class NoFold final : public Fold {
 public:
  absl::Status Apply(std::span<const Event>) override { return NoSecret(); }
  absl::Status Unreadable(std::string_view, std::string_view, Offset,
                          const absl::Status&) override {
    return NoSecret();
  }
  absl::Status Flush() override { return absl::OkStatus(); }
};

}  // namespace

ContactIndex::ContactIndex() : version_(kRowsVersion << 24 | CollationVersion()) {}

std::unique_ptr<Fold> ContactIndex::Begin(Partition partition, Rows& rows) const {
  if (!secret_) return std::make_unique<NoFold>();
  return std::make_unique<IndexFold>(partition, *secret_, rows);
}

std::string ContactIndex::BusinessLine(std::string_view key, std::string_view) const {
  if (key.size() < 2 || key[1] != static_cast<char>(Order::kDisplayName)) return "";
  const size_t tenant_end = key.find('\0', 2);
  const size_t name_end = key.rfind('\0');
  return std::string(key.substr(2, tenant_end - 2)) + " " + std::string(key.substr(name_end + 1)) +
         " " + Hex(key.substr(tenant_end + 1, name_end - tenant_end - 1));
}

std::string ContactIndex::OrderPrefix(Partition partition, std::string_view tenant, Order order) {
  return Key(partition, static_cast<char>(order), tenant);
}

std::string ContactIndex::WordPrefix(Partition partition, std::string_view tenant) {
  return Key(partition, kWords, tenant);
}

std::string ContactIndex::FacetPrefix(Partition partition, std::string_view tenant,
                                      std::string_view facet_hash) {
  return Key(partition, kFacets, tenant).append(facet_hash);
}

std::string ContactIndex::FacetHash(const Secret& secret, std::string_view tenant, Facet facet,
                                    std::string_view value) {
  const char letter = static_cast<char>(facet);
  return secret.Mac("crm contact facet", {tenant, std::string_view(&letter, 1), value})
      .substr(0, kHashBytes);
}

std::string ContactIndex::NamePlace(std::string_view name) {
  std::string place = CollationKey(name);
  place.push_back('\0');
  return place;
}

std::string ContactIndex::TimePlace(TimeNs time) {
  // The sign turned, so that times before 1970 come first.
  std::string place;
  AppendBe64(&place, static_cast<uint64_t>(time) ^ (uint64_t{1} << 63));
  return place;
}

std::string ContactIndex::NameAt(Order order, std::string_view place) {
  const bool time = order == Order::kCreateTime || order == Order::kUpdateTime;
  return NameOf(time ? place.substr(std::min(kTimeBytes, place.size()))
                     : place.substr(place.rfind('\0') + 1));
}

std::string ContactIndex::NameAtWord(std::string_view place) {
  return NameOf(place.substr(place.rfind('\0') + 1));
}

}  // namespace crm::contact
