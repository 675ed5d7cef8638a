#include "services/analytics/projection/customer_interactions.h"

#include <algorithm>
#include <optional>

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/timestamp.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/analytics/projection/customer_fold.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

using interaction::v1::InteractionEvent;
using interaction::v1::InteractionRecord;
using interaction::v1::OrderEvent;

constexpr char kEntry = 'e';
constexpr char kPlace = 'n';
constexpr char kCount = 't';
constexpr char kInteraction = 'i';
constexpr char kOrder = 'o';
constexpr size_t kTimeBytes = 8;

std::string Varint(uint64_t number) {
  std::string bytes;
  AppendVarint(&bytes, number);
  return bytes;
}

std::string NameOf(std::string_view id, char kind, std::string_view last_id) {
  return ContactName(id).append(kind == kOrder ? "/orders/" : "/interactions/").append(last_id);
}

template <typename Message>
v1::TimelineEntry InteractionEntry(const Message& event) {
  v1::TimelineEntry entry;
  auto* interaction = entry.mutable_interaction();
  interaction->set_channel(event.channel());
  interaction->set_direction(event.direction());
  interaction->set_summary(event.plain().summary());
  return entry;
}

template <typename Message>
v1::TimelineEntry OrderEntry(const Message& event) {
  v1::TimelineEntry entry;
  auto* order = entry.mutable_order();
  order->set_currency_code(event.currency_code());
  order->set_total_minor(event.total_minor());
  order->set_lines(event.lines_size());
  order->set_place(event.place());
  return entry;
}

class InteractionsFold final : public CustomerFold {
 public:
  using CustomerFold::CustomerFold;

 protected:
  absl::Status ApplyOne(const Event& event, std::string_view tenant, std::string_view id) override {
    const std::string_view last_id = LastId(event.metadata->aggregate());
    const std::string place = TimeDescending(OccurredTime(*event.metadata));
    if (event.aggregate_field == InteractionRecord::kOrderFieldNumber) {
      ApplyOrder(static_cast<const OrderEvent&>(*event.aggregate_event), place,
                 {tenant, id, last_id});
      return absl::OkStatus();
    }
    if (event.aggregate_field != InteractionRecord::kInteractionFieldNumber) {
      return absl::OkStatus();
    }
    return ApplyInteraction(static_cast<const InteractionEvent&>(*event.aggregate_event), place,
                            {tenant, id, last_id});
  }

  absl::Status Forget(std::string_view tenant, std::string_view id) override {
    rows().DeletePrefix(ContactPrefix(partition(), kEntry, tenant, id));
    rows().DeletePrefix(ContactPrefix(partition(), kPlace, tenant, id));
    rows().Delete(ContactKey(partition(), kCount, tenant, id));
    return absl::OkStatus();
  }

 private:
  struct Thing {
    std::string_view tenant;
    std::string_view id;
    std::string_view last_id;
  };

  std::string EntryKey(const Thing& thing, std::string_view place, char kind) {
    std::string key = ContactPrefix(partition(), kEntry, thing.tenant, thing.id);
    key.append(place).push_back(kind);
    return key.append(thing.last_id);
  }

  std::string PlaceKey(const Thing& thing) {
    return ContactPrefix(partition(), kPlace, thing.tenant, thing.id).append(thing.last_id);
  }

  void ApplyOrder(const OrderEvent& event, const std::string& place, const Thing& thing) {
    if (event.has_recorded()) {
      rows().Put(EntryKey(thing, place, kOrder), OrderEntry(event.recorded()).SerializeAsString());
    }
    if (event.has_corrected()) {
      const TimeNs before = event.corrected().previous_occurred_time_ns();
      rows().Delete(EntryKey(thing, TimeDescending(before), kOrder));
      rows().Put(EntryKey(thing, place, kOrder), OrderEntry(event.corrected()).SerializeAsString());
    }
  }

  absl::Status ApplyInteraction(const InteractionEvent& event, const std::string& place,
                                const Thing& thing) {
    switch (event.event_case()) {
      case InteractionEvent::kLogged:
        CRM_RETURN_IF_ERROR(CountOne(thing));
        Enter(thing, place, InteractionEntry(event.logged()));
        return absl::OkStatus();
      case InteractionEvent::kCorrected:
        CRM_RETURN_IF_ERROR(Leave(thing));
        Enter(thing, place, InteractionEntry(event.corrected()));
        return absl::OkStatus();
      case InteractionEvent::kErased:
        return DropSummary(thing);
      case InteractionEvent::EVENT_NOT_SET:
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  void Enter(const Thing& thing, const std::string& place, const v1::TimelineEntry& entry) {
    rows().Put(EntryKey(thing, place, kInteraction), entry.SerializeAsString());
    rows().Put(PlaceKey(thing), place);
  }

  absl::Status Leave(const Thing& thing) {
    CRM_ASSIGN_OR_RETURN(const auto place, rows().Get(PlaceKey(thing)));
    if (place) rows().Delete(EntryKey(thing, *place, kInteraction));
    return absl::OkStatus();
  }

  absl::Status DropSummary(const Thing& thing) {
    CRM_ASSIGN_OR_RETURN(const auto place, rows().Get(PlaceKey(thing)));
    if (!place) return absl::OkStatus();
    std::string key = EntryKey(thing, *place, kInteraction);
    CRM_ASSIGN_OR_RETURN(auto entry,
                         ParseRow<v1::TimelineEntry>(CustomerInteractions::kName, rows().Get(key)));
    if (!entry) return absl::OkStatus();
    entry->mutable_interaction()->clear_summary();
    rows().Put(std::move(key), entry->SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status CountOne(const Thing& thing) {
    std::string key = ContactKey(partition(), kCount, thing.tenant, thing.id);
    CRM_ASSIGN_OR_RETURN(const auto row, rows().Get(key));
    uint64_t count = 0;
    std::string_view bytes = row ? std::string_view(*row) : std::string_view();
    if (row && !ReadVarint(&bytes, &count)) return UnreadableRow(CustomerInteractions::kName);
    rows().Put(std::move(key), Varint(count + 1));
    return absl::OkStatus();
  }
};

// The entry of a row, named and timed by its key.
absl::StatusOr<v1::TimelineEntry> EntryOf(std::string_view key, std::string_view value) {
  const KeyOfContact parts = SplitContactKey(key);
  v1::TimelineEntry entry;
  if (parts.rest.size() <= kTimeBytes ||
      !entry.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return UnreadableRow(CustomerInteractions::kName);
  }
  entry.set_name(NameOf(parts.id, parts.rest[kTimeBytes], parts.rest.substr(kTimeBytes + 1)));
  SetTimestamp(ReadTimeDescending(parts.rest), entry.mutable_occurred_time());
  return entry;
}

}  // namespace

std::unique_ptr<Fold> CustomerInteractions::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<InteractionsFold>(partition, rows);
}

std::string CustomerInteractions::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kEntry) return "";
  const auto entry = EntryOf(key, value);
  if (!entry.ok()) return "unreadable";
  return BusinessText(key, entry->SerializeAsString(), v1::TimelineEntry::default_instance());
}

absl::StatusOr<std::vector<v1::TimelineEntry>> CustomerInteractions::Latest(const RowReader& rows,
                                                                            std::string_view tenant,
                                                                            std::string_view id,
                                                                            int limit) {
  const Partition partition = PartitionOfSubject(tenant, ContactName(id));
  const std::string prefix = ContactPrefix(partition, kEntry, tenant, id);
  std::vector<v1::TimelineEntry> entries;
  const auto scan = rows.Scan(prefix, PrefixEnd(prefix));
  for (; scan->Valid() && static_cast<int>(entries.size()) < limit; scan->Next()) {
    CRM_ASSIGN_OR_RETURN(auto entry, EntryOf(scan->key(), scan->value()));
    entries.push_back(std::move(entry));
  }
  CRM_RETURN_IF_ERROR(scan->status());
  return entries;
}

absl::StatusOr<int64_t> CustomerInteractions::Count(const RowReader& rows, std::string_view tenant,
                                                    std::string_view id) {
  const Partition partition = PartitionOfSubject(tenant, ContactName(id));
  CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(ContactKey(partition, kCount, tenant, id)));
  if (!row) return 0;
  uint64_t count = 0;
  std::string_view bytes = *row;
  if (!ReadVarint(&bytes, &count)) return UnreadableRow(kName);
  return static_cast<int64_t>(count);
}

}  // namespace crm::analytics
