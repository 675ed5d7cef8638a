#include "services/contact/projection/contacts_by_stage.h"

#include <optional>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/contact/v1/contact_events.pb.h"

namespace crm::contact {
namespace {

constexpr std::string_view kCollection = "contacts/";
constexpr char kCounts = 'n';
constexpr char kContact = 'c';

std::string Key(Partition partition, char family, std::string_view tenant) {
  std::string key{static_cast<char>(partition), family};
  key.append(tenant);
  key.push_back('\0');
  return key;
}

// What the view knows of one contact.
struct Place {
  Existence existence = Existence::kUnknown;
  v1::LifecycleStage stage = v1::SUSPECT;
  bool operator==(const Place&) const = default;

  bool counts() const { return existence == Existence::kLiving; }
};

constexpr Place kGone{.existence = Existence::kErased};

absl::Status Unreadable() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the view contacts-by-stage cannot be read; rebuild the projection");
}

absl::StatusOr<Place> ReadPlace(std::string_view row) {
  if (row.size() != 2) return Unreadable();
  return Place{static_cast<Existence>(row[0]), static_cast<v1::LifecycleStage>(row[1])};
}

std::string WritePlace(const Place& place) {
  return {static_cast<char>(place.existence), static_cast<char>(place.stage)};
}

absl::StatusOr<StageCounts> ReadCounts(std::string_view row) {
  StageCounts counts{};
  for (int64_t& count : counts) {
    uint64_t value;
    if (!ReadVarint(&row, &value)) return Unreadable();
    count = static_cast<int64_t>(value);
  }
  return counts;
}

std::string WriteCounts(const StageCounts& counts) {
  std::string row;
  for (const int64_t count : counts) AppendVarint(&row, static_cast<uint64_t>(count));
  return row;
}

Place After(Place place, const v1::ContactEvent& event) {
  const bool known =
      place.existence == Existence::kLiving || place.existence == Existence::kDeleted;
  if (event.has_created()) place.existence = Existence::kLiving;
  if (event.has_deleted()) place.existence = Existence::kDeleted;
  if (event.has_undeleted() && known) place.existence = Existence::kLiving;
  if (event.has_purged() && known) place.existence = Existence::kPurged;
  if (event.has_alias_recorded() && !known) place.existence = Existence::kMoved;
  return event.has_erased() ? kGone : place;
}

Place After(Place place, const v1::LifecycleEvent& event) {
  if (event.has_erased()) return kGone;
  const v1::LifecycleStage to = event.stage_changed().to();
  const bool known = event.has_stage_changed() && v1::LifecycleStage_IsValid(to) &&
                     to != v1::LIFECYCLE_STAGE_UNSPECIFIED;
  if (known) place.stage = to;
  return place;
}

// Other aggregates change no place.
Place After(const Place& place, const Event& event) {
  if (place == kGone) return place;
  if (event.aggregate_field == v1::ContactRecord::kContactFieldNumber) {
    return After(place, static_cast<const v1::ContactEvent&>(*event.aggregate_event));
  }
  if (event.aggregate_field == v1::ContactRecord::kLifecycleFieldNumber) {
    return After(place, static_cast<const v1::LifecycleEvent&>(*event.aggregate_event));
  }
  return place;
}

class ByStageFold final : public Fold {
 public:
  ByStageFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    for (const Event& event : command) {
      if (event.aggregate_field == v1::ContactRecord::kConsentFieldNumber) continue;
      const std::string_view subject = SubjectOf(event.metadata->aggregate());
      if (!subject.starts_with(kCollection)) continue;
      CRM_RETURN_IF_ERROR(Change(event.metadata->tenant(), subject,
                                 [&](const Place& place) { return After(place, event); }));
    }
    return absl::OkStatus();
  }

  absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset,
                          const absl::Status&) override {
    if (!subject.starts_with(kCollection)) return absl::OkStatus();
    return Change(tenant, subject, [](const Place&) { return kGone; });
  }

  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  template <typename To>
  absl::Status Change(std::string_view tenant, std::string_view subject, To to) {
    std::string key = Key(partition_, kContact, tenant).append(subject.substr(kCollection.size()));
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
    Place before;
    if (row) {
      CRM_ASSIGN_OR_RETURN(before, ReadPlace(*row));
    }
    const Place after = to(before);
    if (after == before) return absl::OkStatus();
    rows_.Put(std::move(key), WritePlace(after));
    return Count(tenant, before, after);
  }

  absl::Status Count(std::string_view tenant, const Place& before, const Place& after) {
    if (!before.counts() && !after.counts()) return absl::OkStatus();
    std::string key = Key(partition_, kCounts, tenant);
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
    StageCounts counts{};
    if (row) {
      CRM_ASSIGN_OR_RETURN(counts, ReadCounts(*row));
    }
    if (before.counts()) --counts[static_cast<size_t>(before.stage)];
    if (after.counts()) ++counts[static_cast<size_t>(after.stage)];
    rows_.Put(std::move(key), WriteCounts(counts));
    return absl::OkStatus();
  }

  const Partition partition_;
  Rows& rows_;
};

}  // namespace

std::unique_ptr<Fold> ContactsByStage::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<ByStageFold>(partition, rows);
}

std::string ContactsByStage::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kContact || value.size() != 2) return "";
  const size_t tenant_end = key.find('\0', 2);
  const auto place = ReadPlace(value);
  if (!place.ok() || !place->counts()) return "";
  return std::string(key.substr(2, tenant_end - 2)) + " " +
         std::string(key.substr(tenant_end + 1)) + " " + v1::LifecycleStage_Name(place->stage);
}

absl::Status ContactsByStage::AddCounts(const RowReader& rows, Partition partition,
                                        std::string_view tenant, StageCounts* counts) {
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(Key(partition, kCounts, tenant)));
  if (!row) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(const StageCounts found, ReadCounts(*row));
  for (size_t stage = 0; stage < counts->size(); ++stage) (*counts)[stage] += found[stage];
  return absl::OkStatus();
}

}  // namespace crm::contact
