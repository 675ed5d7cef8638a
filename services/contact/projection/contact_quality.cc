#include "services/contact/projection/contact_quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/contact/domain/profile_fields.h"
#include "services/contact/projection/quality_standing.h"

namespace crm::contact {
namespace {

constexpr std::string_view kCollection = "contacts/";
constexpr char kCounts = 'n';
constexpr char kContact = 'c';

// Prefixes of counters by name.
constexpr char kFilled = 'f';
constexpr char kDoubted = 'd';
constexpr char kIssues = 'i';
constexpr char kMonth = 'm';

std::string Key(Partition partition, char family, std::string_view tenant) {
  std::string key{static_cast<char>(partition), family};
  key.append(tenant);
  key.push_back('\0');
  return key;
}

std::string MonthName(uint64_t month) {
  return fmt::format("{:04}-{:02}", month / 12, month % 12 + 1);
}

// --- counts

// Of one tenant in one partition, or what a batch adds to them.
struct Counters {
  int64_t contacts = 0;
  int64_t unreachable = 0;
  std::array<int64_t, kBuiltInFields> filled{};
  std::map<std::string, int64_t> named;
  bool operator==(const Counters&) const = default;

  void Add(const Counters& more) {
    contacts += more.contacts;
    unreachable += more.unreachable;
    for (size_t i = 0; i < kBuiltInFields; ++i) filled[i] += more.filled[i];
    for (const auto& [name, count] : more.named) named[name] += count;
    std::erase_if(named, [](const auto& counter) { return counter.second == 0; });
  }
};

bool IsReachable(const QualityStanding& standing) {
  constexpr std::array<size_t, 3> kWays = {4, 5, 6};  // emails, phones, addresses
  return std::any_of(kWays.begin(), kWays.end(),
                     [&standing](size_t way) { return standing.Has(way); });
}

std::string MonthCounter(uint64_t month) {
  std::string name(1, kMonth);
  AppendBe32(&name, static_cast<uint32_t>(month));
  return name;
}

void CountDoubts(const std::map<std::string, Doubt>& doubts, int64_t by, Counters* counters) {
  std::set<std::string> fields;
  for (const auto& [issue, doubt] : doubts) {
    counters->named[{kIssues, static_cast<char>(doubt.kind)}] += by;
    if (!doubt.field.empty()) fields.insert(doubt.field);
  }
  for (const std::string& field : fields) counters->named[kDoubted + field] += by;
}

void Count(const QualityStanding& standing, int64_t by, Counters* counters) {
  if (standing.existence != Existence::kLiving) return;
  counters->contacts += by;
  if (!IsReachable(standing)) counters->unreachable += by;
  for (size_t i = 0; i < kBuiltInFields; ++i) {
    if (standing.Has(i)) counters->filled[i] += by;
  }
  for (const std::string& id : standing.custom) counters->named[kFilled + id] += by;
  counters->named[MonthCounter(standing.last_observed)] += by;
  CountDoubts(standing.doubts, by, counters);
}

std::string WriteCounters(const Counters& counters) {
  std::string row;
  AppendVarint(&row, static_cast<uint64_t>(counters.contacts));
  AppendVarint(&row, static_cast<uint64_t>(counters.unreachable));
  for (const int64_t count : counters.filled) AppendVarint(&row, static_cast<uint64_t>(count));
  for (const auto& [name, count] : counters.named) {
    AppendSized(&row, name);
    AppendVarint(&row, static_cast<uint64_t>(count));
  }
  return row;
}

bool ReadCount(std::string_view* row, int64_t* count) {
  uint64_t value;
  if (!ReadVarint(row, &value)) return false;
  *count = static_cast<int64_t>(value);
  return true;
}

absl::StatusOr<Counters> ReadCounters(std::string_view row) {
  Counters counters;
  bool read = ReadCount(&row, &counters.contacts) && ReadCount(&row, &counters.unreachable);
  for (int64_t& count : counters.filled) read = read && ReadCount(&row, &count);
  while (read && !row.empty()) {
    std::string_view name;
    read = ReadSized(&row, &name) && !name.empty();
    read = read && ReadCount(&row, &counters.named[std::string(name)]);
  }
  if (!read) return QualityRowUnreadable();
  return counters;
}

void AddNamed(std::string_view name, int64_t count, QualityCounts* counts) {
  const std::string_view rest = name.substr(1);
  if (name[0] == kFilled) counts->filled[CustomFieldName(rest)] += count;
  if (name[0] == kDoubted) counts->doubted[std::string(rest)] += count;
  if (name[0] == kIssues && rest.size() == 1) {
    counts->issues[static_cast<v1::QualityIssue::Kind>(rest[0])] += count;
  }
  if (name[0] == kMonth && rest.size() == sizeof(uint32_t)) {
    counts->last_observed[MonthName(ReadBe32(rest.data()))] += count;
  }
}

// --- the fold

class QualityFold final : public Fold {
 public:
  QualityFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    for (const Event& event : command) {
      const bool counts = event.aggregate_field == v1::ContactRecord::kContactFieldNumber ||
                          event.aggregate_field == v1::ContactRecord::kQualityFieldNumber;
      if (!counts) continue;
      const std::string_view subject = SubjectOf(event.metadata->aggregate());
      if (!subject.starts_with(kCollection)) continue;
      CRM_RETURN_IF_ERROR(Change(event.metadata->tenant(), subject, [&](QualityStanding standing) {
        return AfterEvent(std::move(standing), event);
      }));
    }
    return absl::OkStatus();
  }

  absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset,
                          const absl::Status&) override {
    if (!subject.starts_with(kCollection)) return absl::OkStatus();
    return Change(tenant, subject, [](const QualityStanding&) { return GoneForGood(); });
  }

  absl::Status Flush() override {
    for (const auto& [tenant, change] : changes_) {
      std::string key = Key(partition_, kCounts, tenant);
      CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
      Counters counters;
      if (row) {
        CRM_ASSIGN_OR_RETURN(counters, ReadCounters(*row));
      }
      counters.Add(change);
      if (counters == Counters()) {
        if (row) rows_.Delete(std::move(key));
      } else {
        rows_.Put(std::move(key), WriteCounters(counters));
      }
    }
    changes_.clear();
    return absl::OkStatus();
  }

 private:
  template <typename To>
  absl::Status Change(std::string_view tenant, std::string_view subject, To to) {
    std::string key = Key(partition_, kContact, tenant).append(subject.substr(kCollection.size()));
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
    QualityStanding before;
    if (row) {
      CRM_ASSIGN_OR_RETURN(before, ReadStanding(*row));
    }
    const QualityStanding after = to(before);
    if (after == before) return absl::OkStatus();
    rows_.Put(std::move(key), WriteStanding(after));
    Counters& counters = changes_[std::string(tenant)];
    Count(before, -1, &counters);
    Count(after, +1, &counters);
    return absl::OkStatus();
  }

  const Partition partition_;
  Rows& rows_;
  // By tenant, since the last flush.
  absl::flat_hash_map<std::string, Counters> changes_;
};

}  // namespace

std::unique_ptr<Fold> ContactQualityView::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<QualityFold>(partition, rows);
}

std::string ContactQualityView::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kContact) return "";
  const auto standing = ReadStanding(value);
  if (!standing.ok() || standing->existence != Existence::kLiving) return "";
  const size_t tenant_end = key.find('\0', 2);
  std::string line =
      fmt::format("{} {}", key.substr(2, tenant_end - 2), key.substr(tenant_end + 1));
  for (size_t i = 0; i < kBuiltInFields; ++i) {
    if (standing->Has(i)) line += fmt::format(" {}", BuiltInField(i));
  }
  for (const std::string& id : standing->custom) line += " " + CustomFieldName(id);
  for (const auto& [issue, doubt] : standing->doubts) {
    line += fmt::format(" {}={}:{}", issue, v1::QualityIssue::Kind_Name(doubt.kind), doubt.field);
  }
  return line;
}

absl::Status ContactQualityView::AddCounts(const RowReader& rows, Partition partition,
                                           std::string_view tenant, QualityCounts* counts) {
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(Key(partition, kCounts, tenant)));
  if (!row) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(const Counters found, ReadCounters(*row));
  counts->contacts += found.contacts;
  counts->unreachable += found.unreachable;
  for (size_t i = 0; i < kBuiltInFields; ++i) {
    if (found.filled[i] != 0) counts->filled[std::string(BuiltInField(i))] += found.filled[i];
  }
  for (const auto& [name, count] : found.named) AddNamed(name, count, counts);
  return absl::OkStatus();
}

}  // namespace crm::contact
