#include "services/analytics/projection/customer_scores.h"

#include <array>
#include <cstring>
#include <map>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/analytics/projection/customer_fold.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

using v1::AnalyticsRecord;
using v1::ScoreEvent;
using Order = CustomerScores::Order;

constexpr char kPlaces = 'p';
constexpr char kSegment = 'g';
constexpr char kRun = 'u';
constexpr size_t kSortBytes = 8;
constexpr std::array kOrders = {Order::kRfmScore, Order::kLifetimeValue, Order::kAliveProbability};

// A contact's sort key in each of kOrders; empty where it is not listed.
using Places = std::array<std::string, kOrders.size()>;

std::string Encode(const Places& places) {
  std::string value;
  for (const std::string& place : places) AppendSized(&value, place);
  return value;
}

absl::StatusOr<Places> Decode(std::string_view value) {
  Places places;
  for (std::string& place : places) {
    std::string_view bytes;
    if (!ReadSized(&value, &bytes)) return UnreadableRow(CustomerScores::kName);
    place = bytes;
  }
  return places;
}

std::string Ascending(uint64_t number) {
  std::string bytes;
  AppendBe64(&bytes, number);
  return bytes;
}

// Of a number that is not negative: the order of such doubles is that of their bits.
uint64_t BitsOf(double number) {
  uint64_t bits = 0;
  static_assert(sizeof bits == sizeof number);
  std::memcpy(&bits, &number, sizeof bits);
  return number > 0 ? bits : 0;
}

std::string RfmPlace(const v1::RfmScore& rfm) {
  return rfm.score() == 0 ? "" : Ascending(~static_cast<uint64_t>(rfm.score()));
}

// The digits of the score that a place was made of.
std::pair<char, char> SegmentOf(std::string_view rfm_place) {
  const uint64_t score = ~ReadBe64(rfm_place.data());
  return {static_cast<char>(score / 100), static_cast<char>(score / 10 % 10)};
}

bool IsCustomer(const v1::ValueScore& value) {
  return value.alive_probability() > 0 || value.observed_weeks() > 0;
}

void SetPlaces(const v1::ContactScored& scored, Places* places) {
  if (scored.has_rfm()) places->at(0) = RfmPlace(scored.rfm());
  if (!scored.has_value()) return;
  const v1::ValueScore& value = scored.value();
  places->at(1) = IsCustomer(value) ? Ascending(~BitsOf(value.lifetime_value_minor())) : "";
  places->at(2) = IsCustomer(value) ? Ascending(BitsOf(value.alive_probability())) : "";
}

class ScoresFold final : public CustomerFold {
 public:
  using CustomerFold::CustomerFold;

 protected:
  absl::Status ApplyOne(const Event& event, std::string_view tenant, std::string_view id) override {
    if (event.aggregate_field != AnalyticsRecord::kScoreFieldNumber) return absl::OkStatus();
    const auto& score = static_cast<const ScoreEvent&>(*event.aggregate_event);
    if (score.has_erased()) return Forget(tenant, id);
    if (!score.has_scored()) return absl::OkStatus();
    CRM_ASSIGN_OR_RETURN(const Places before, PlacesOf(tenant, id));
    Places after = before;
    SetPlaces(score.scored(), &after);
    return Move({tenant, id}, before, after);
  }

  absl::Status ApplyOther(const Event& event) override {
    if (event.aggregate_field != AnalyticsRecord::kRunFieldNumber) return absl::OkStatus();
    const auto& run = static_cast<const v1::ScoreRunEvent&>(*event.aggregate_event);
    if (!run.has_started()) return absl::OkStatus();
    std::string key = CustomerScores::RunsPrefix(partition(), event.metadata->tenant());
    key.append(TimeDescending(RecordedTime(*event.metadata)));
    key.append(LastId(event.metadata->aggregate()));
    rows().Put(std::move(key), "");
    return absl::OkStatus();
  }

  absl::Status Forget(std::string_view tenant, std::string_view id) override {
    CRM_ASSIGN_OR_RETURN(const Places before, PlacesOf(tenant, id));
    return Move({tenant, id}, before, {});
  }

 private:
  struct Customer {
    std::string_view tenant;
    std::string_view id;
  };

  absl::StatusOr<Places> PlacesOf(std::string_view tenant, std::string_view id) {
    CRM_ASSIGN_OR_RETURN(const auto row, rows().Get(ContactKey(partition(), kPlaces, tenant, id)));
    if (!row) return Places();
    return Decode(*row);
  }

  absl::Status Move(const Customer& customer, const Places& before, const Places& after) {
    for (size_t i = 0; i < kOrders.size(); ++i) {
      if (before[i] == after[i]) continue;
      if (!before[i].empty()) rows().Delete(PlaceKey(customer, kOrders[i], before[i]));
      if (!after[i].empty()) rows().Put(PlaceKey(customer, kOrders[i], after[i]), "");
    }
    std::string key = ContactKey(partition(), kPlaces, customer.tenant, customer.id);
    if (after == Places()) {
      rows().Delete(std::move(key));
    } else {
      rows().Put(std::move(key), Encode(after));
    }
    if (before[0] == after[0]) return absl::OkStatus();
    CRM_RETURN_IF_ERROR(CountSegment(customer.tenant, before[0], -1));
    return CountSegment(customer.tenant, after[0], 1);
  }

  std::string PlaceKey(const Customer& customer, Order order, std::string_view place) {
    return CustomerScores::ListPrefix(partition(), order, customer.tenant)
        .append(place)
        .append(customer.id);
  }

  absl::Status CountSegment(std::string_view tenant, std::string_view rfm_place, int step) {
    if (rfm_place.empty()) return absl::OkStatus();
    const auto [recency, frequency] = SegmentOf(rfm_place);
    std::string key = TenantPrefix(partition(), kSegment, tenant);
    key.append({recency, frequency});
    CRM_ASSIGN_OR_RETURN(const auto row, rows().Get(key));
    uint64_t count = 0;
    std::string_view bytes = row ? std::string_view(*row) : std::string_view();
    if (row && !ReadVarint(&bytes, &count)) return UnreadableRow(CustomerScores::kName);
    count += static_cast<uint64_t>(static_cast<int64_t>(step));
    if (count == 0) {
      rows().Delete(std::move(key));
      return absl::OkStatus();
    }
    std::string value;
    AppendVarint(&value, count);
    rows().Put(std::move(key), std::move(value));
    return absl::OkStatus();
  }
};

}  // namespace

std::unique_ptr<Fold> CustomerScores::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<ScoresFold>(partition, rows);
}

std::string CustomerScores::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kPlaces) return "";
  const KeyOfContact parts = SplitContactKey(key);
  return std::string(parts.tenant) + " " + std::string(parts.id) + " " + Hex(value);
}

std::string CustomerScores::ListPrefix(Partition partition, Order order, std::string_view tenant) {
  return TenantPrefix(partition, static_cast<char>(order), tenant);
}

std::string CustomerScores::RunsPrefix(Partition partition, std::string_view tenant) {
  return TenantPrefix(partition, kRun, tenant);
}

std::string_view CustomerScores::IdAt(std::string_view place) {
  return place.substr(kSortBytes);
}

absl::StatusOr<std::vector<v1::RfmSegment>> CustomerScores::Segments(const RowReader& rows,
                                                                     std::string_view tenant) {
  std::map<std::pair<char, char>, int64_t> sizes;
  for (Partition partition = 0; partition < kPartitions; ++partition) {
    const std::string prefix = TenantPrefix(partition, kSegment, tenant);
    const auto scan = rows.Scan(prefix, PrefixEnd(prefix));
    for (; scan->Valid(); scan->Next()) {
      const std::string_view segment = scan->key().substr(prefix.size());
      std::string_view value = scan->value();
      uint64_t count = 0;
      if (segment.size() != 2 || !ReadVarint(&value, &count)) return UnreadableRow(kName);
      sizes[{segment[0], segment[1]}] += static_cast<int64_t>(count);
    }
    CRM_RETURN_IF_ERROR(scan->status());
  }
  std::vector<v1::RfmSegment> segments;
  for (const auto& [scores, contacts] : sizes) {
    auto& segment = segments.emplace_back();
    segment.set_recency_score(scores.first);
    segment.set_frequency_score(scores.second);
    segment.set_contacts(contacts);
  }
  return segments;
}

}  // namespace crm::analytics
