#include "services/contact/projection/quality_standing.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "services/contact/domain/golden_record.h"
#include "services/contact/domain/profile_fields.h"
#include "services/contact/domain/profile_message.h"

namespace crm::contact {
namespace {

using FieldNames = std::array<std::string_view, kBuiltInFields + 1>;

FieldNames NamesOfFields() {
  FieldNames names;
  size_t i = 0;
  ForEachField([&](const char* name, auto) { names.at(i++) = name; });
  return names;
}

bool IsKnown(const QualityStanding& standing) {
  return standing.existence == Existence::kLiving || standing.existence == Existence::kDeleted;
}

bool ReadCustom(std::string_view* row, QualityStanding* standing) {
  uint64_t count;
  if (!ReadVarint(row, &count)) return false;
  for (; count > 0; --count) {
    std::string_view id;
    if (!ReadSized(row, &id)) return false;
    standing->custom.emplace_hint(standing->custom.end(), id);
  }
  return true;
}

bool ReadDoubts(std::string_view* row, QualityStanding* standing) {
  uint64_t count;
  if (!ReadVarint(row, &count)) return false;
  for (; count > 0; --count) {
    std::string_view issue, field;
    uint64_t kind;
    const bool read = ReadSized(row, &issue) && ReadVarint(row, &kind) && ReadSized(row, &field);
    if (!read) return false;
    standing->doubts[std::string(issue)] = {static_cast<v1::QualityIssue::Kind>(kind),
                                            std::string(field)};
  }
  return true;
}

uint64_t MonthOf(TimeNs time) {
  const std::chrono::sys_time<std::chrono::nanoseconds> at{std::chrono::nanoseconds(time)};
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(at));
  return static_cast<uint64_t>(static_cast<int>(day.year())) * 12 +
         static_cast<unsigned>(day.month()) - 1;
}

// A bit for each built-in field in which the event has a value; each contact has a kind.
template <typename Event>
FieldBits FilledBy(const Event& event) {
  const v1::ContactPersonal& plain = event.plain();
  const std::array<bool, kBuiltInFields> filled = {true,
                                                   !plain.display_name().empty(),
                                                   !plain.given_name().empty(),
                                                   !plain.family_name().empty(),
                                                   !plain.emails().empty(),
                                                   !plain.phones().empty(),
                                                   !plain.addresses().empty(),
                                                   !event.language_code().empty(),
                                                   !event.region_code().empty(),
                                                   !event.time_zone().empty(),
                                                   !plain.tags().empty(),
                                                   !plain.preferences().empty(),
                                                   !plain.concerns().empty()};
  FieldBits bits = 0;
  for (size_t i = 0; i < kBuiltInFields; ++i) bits |= FieldBits{filled[i]} << i;
  return bits;
}

std::set<std::string> CustomBy(const v1::ContactPersonal& plain) {
  std::set<std::string> ids;
  for (const v1::CustomValue& value : plain.custom_fields()) {
    if (ReadCustomValue(value).has_value()) ids.insert(value.field());
  }
  return ids;
}

void Observe(const common::v1::EventMetadata& metadata, QualityStanding* standing) {
  standing->last_observed = std::max(standing->last_observed, MonthOf(ObservedTime(metadata)));
}

void Birth(const v1::ContactCreated& event, const common::v1::EventMetadata& metadata,
           QualityStanding* standing) {
  standing->existence = Existence::kLiving;
  standing->filled = FilledBy(event);
  standing->custom = CustomBy(event.plain());
  standing->last_observed = 0;
  Observe(metadata, standing);
}

void ChangeField(const std::string& field, FieldBits filled, const std::set<std::string>& custom,
                 QualityStanding* standing) {
  static const std::string prefix = CustomFieldName("");
  if (field.starts_with(prefix)) {
    const std::string id = field.substr(prefix.size());
    custom.contains(id) ? void(standing->custom.insert(id)) : void(standing->custom.erase(id));
    return;
  }
  for (size_t i = 0; i < kBuiltInFields; ++i) {
    const FieldBits bit = FieldBits{1} << i;
    if (BuiltInField(i) == field) standing->filled = (standing->filled & ~bit) | (filled & bit);
  }
}

void Change(const v1::ContactProfileChanged& event, const common::v1::EventMetadata& metadata,
            QualityStanding* standing) {
  const FieldBits filled = FilledBy(event);
  const std::set<std::string> custom = CustomBy(event.plain());
  for (const std::string& field : event.changed_fields()) {
    ChangeField(field, filled, custom, standing);
  }
  Observe(metadata, standing);
}

// Doubts stay: they are another aggregate's.
void Forget(QualityStanding* standing) {
  standing->filled = 0;
  standing->custom.clear();
  standing->last_observed = 0;
}

QualityStanding After(QualityStanding standing, const common::v1::EventMetadata& metadata,
                      const v1::ContactEvent& event) {
  if (event.has_erased()) return GoneForGood();
  if (event.has_created()) Birth(event.created(), metadata, &standing);
  if (event.has_alias_recorded() && !IsKnown(standing)) standing.existence = Existence::kMoved;
  if (!IsKnown(standing)) return standing;
  if (event.has_profile_changed()) Change(event.profile_changed(), metadata, &standing);
  if (event.has_deleted()) standing.existence = Existence::kDeleted;
  if (event.has_undeleted()) standing.existence = Existence::kLiving;
  if (event.has_purged() && standing.existence == Existence::kDeleted) {
    standing.existence = Existence::kPurged;
    Forget(&standing);
  }
  return standing;
}

QualityStanding After(QualityStanding standing, const v1::QualityEvent& event) {
  if (event.has_erased()) return GoneForGood();
  if (event.has_opened()) {
    standing.doubts[event.opened().issue()] = {event.opened().kind(), event.opened().field()};
  }
  if (event.has_resolved()) standing.doubts.erase(event.resolved().issue());
  return standing;
}

}  // namespace

std::string_view BuiltInField(size_t i) {
  static const FieldNames kNames = NamesOfFields();
  return kNames[i];
}

QualityStanding GoneForGood() {
  return {.existence = Existence::kErased};
}

absl::Status QualityRowUnreadable() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the view contact-quality cannot be read; rebuild the projection");
}

std::string WriteStanding(const QualityStanding& standing) {
  std::string row(1, static_cast<char>(standing.existence));
  AppendVarint(&row, standing.filled);
  AppendVarint(&row, standing.last_observed);
  AppendVarint(&row, standing.custom.size());
  for (const std::string& id : standing.custom) AppendSized(&row, id);
  AppendVarint(&row, standing.doubts.size());
  for (const auto& [issue, doubt] : standing.doubts) {
    AppendSized(&row, issue);
    AppendVarint(&row, static_cast<uint64_t>(doubt.kind));
    AppendSized(&row, doubt.field);
  }
  return row;
}

absl::StatusOr<QualityStanding> ReadStanding(std::string_view row) {
  if (row.empty()) return QualityRowUnreadable();
  QualityStanding standing{.existence = static_cast<Existence>(row[0])};
  row.remove_prefix(1);
  const bool read = ReadVarint(&row, &standing.filled) &&
                    ReadVarint(&row, &standing.last_observed) && ReadCustom(&row, &standing) &&
                    ReadDoubts(&row, &standing);
  if (!read || !row.empty()) return QualityRowUnreadable();
  return standing;
}

QualityStanding AfterEvent(QualityStanding standing, const Event& event) {
  if (standing == GoneForGood()) return standing;
  if (event.aggregate_field == v1::ContactRecord::kContactFieldNumber) {
    return After(std::move(standing), *event.metadata,
                 static_cast<const v1::ContactEvent&>(*event.aggregate_event));
  }
  return After(std::move(standing), static_cast<const v1::QualityEvent&>(*event.aggregate_event));
}

}  // namespace crm::contact
