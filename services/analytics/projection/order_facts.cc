#include "services/analytics/projection/order_facts.h"

#include <fmt/format.h>

#include <limits>
#include <optional>

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/projection/position.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/analytics/projection/customer_fold.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

using interaction::v1::InteractionRecord;
using interaction::v1::OrderEvent;

constexpr char kFact = 'o';
constexpr size_t kCurrencyBytes = 3;
constexpr size_t kDayBytes = 4;
constexpr int kFreezeAttempts = 1000;
constexpr uint32_t kDaySign = uint32_t{1} << 31;

uint64_t ZigZag(int64_t number) {
  return (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
}
int64_t UnZigZag(uint64_t number) {
  return static_cast<int64_t>(number >> 1) ^ -static_cast<int64_t>(number & 1);
}

struct Counts {
  uint64_t purchases = 0;
  uint64_t returns = 0;
  // Modulo 2^64: what is added and taken back leaves no trace, whatever lies between.
  uint64_t amount = 0;
};

std::string Encode(const Counts& counts) {
  std::string value;
  AppendVarint(&value, counts.purchases);
  AppendVarint(&value, counts.returns);
  AppendVarint(&value, ZigZag(static_cast<int64_t>(counts.amount)));
  return value;
}

absl::StatusOr<Counts> Decode(std::string_view value) {
  Counts counts;
  uint64_t amount = 0;
  if (!ReadVarint(&value, &counts.purchases) || !ReadVarint(&value, &counts.returns) ||
      !ReadVarint(&value, &amount)) {
    return UnreadableRow(OrderFacts::kName);
  }
  counts.amount = static_cast<uint64_t>(UnZigZag(amount));
  return counts;
}

// What one order counts.
struct Sale {
  std::string_view currency;
  TimeNs time = 0;
  int64_t amount = 0;
};

class FactsFold final : public CustomerFold {
 public:
  using CustomerFold::CustomerFold;

 protected:
  absl::Status ApplyOne(const Event& event, std::string_view tenant, std::string_view id) override {
    if (event.aggregate_field != InteractionRecord::kOrderFieldNumber) return absl::OkStatus();
    const auto& order = static_cast<const OrderEvent&>(*event.aggregate_event);
    const TimeNs time = OccurredTime(*event.metadata);
    if (order.has_recorded()) {
      const auto& now = order.recorded();
      return Add({tenant, id}, {now.currency_code(), time, now.total_minor()}, 1);
    }
    if (!order.has_corrected()) return absl::OkStatus();
    const auto& now = order.corrected();
    CRM_RETURN_IF_ERROR(Add(
        {tenant, id},
        {now.previous_currency_code(), now.previous_occurred_time_ns(), now.previous_total_minor()},
        -1));
    return Add({tenant, id}, {now.currency_code(), time, now.total_minor()}, 1);
  }

  absl::Status Forget(std::string_view tenant, std::string_view id) override {
    rows().DeletePrefix(ContactPrefix(partition(), kFact, tenant, id));
    return absl::OkStatus();
  }

 private:
  struct Customer {
    std::string_view tenant;
    std::string_view id;
  };

  // `sign` 1 counts the sale, -1 takes it back.
  absl::Status Add(const Customer& customer, const Sale& sale, int sign) {
    // Such an event would be a fault of its writer; its key could not be read.
    if (sale.currency.size() != kCurrencyBytes) return absl::OkStatus();
    std::string key = ContactPrefix(partition(), kFact, customer.tenant, customer.id);
    key.append(sale.currency);
    AppendBe32(&key, static_cast<uint32_t>(DayOf(sale.time)) ^ kDaySign);
    CRM_ASSIGN_OR_RETURN(const auto row, rows().Get(key));
    Counts counts;
    if (row) {
      CRM_ASSIGN_OR_RETURN(counts, Decode(*row));
    }
    const auto step = static_cast<uint64_t>(static_cast<int64_t>(sign));
    (sale.amount >= 0 ? counts.purchases : counts.returns) += step;
    counts.amount += step * static_cast<uint64_t>(sale.amount);
    if (counts.purchases == 0 && counts.returns == 0) {
      rows().Delete(std::move(key));
    } else {
      rows().Put(std::move(key), Encode(counts));
    }
    return absl::OkStatus();
  }
};

// The fact of a row; borrows the key.
absl::StatusOr<DayFact> FactOf(std::string_view key, std::string_view value) {
  const std::string_view rest = SplitContactKey(key).rest;
  if (rest.size() != kCurrencyBytes + kDayBytes) return UnreadableRow(OrderFacts::kName);
  CRM_ASSIGN_OR_RETURN(const Counts counts, Decode(value));
  return DayFact{.currency = rest.substr(0, kCurrencyBytes),
                 .day = static_cast<int32_t>(ReadBe32(rest.data() + kCurrencyBytes) ^ kDaySign),
                 .purchases = static_cast<int64_t>(counts.purchases),
                 .returns = static_cast<int64_t>(counts.returns),
                 .amount_minor = static_cast<int64_t>(counts.amount)};
}

absl::StatusOr<Offset> PositionOf(const RowReader& rows, Partition partition) {
  CRM_ASSIGN_OR_RETURN(const StoredPosition position, LoadPosition(rows, partition));
  return position.stored;
}

// A partition's rows as of one moment.
struct Frozen {
  // Of the last command that is in the rows.
  Offset stored = 0;
  std::unique_ptr<RowIterator> rows;
};

// An iterator shows the rows as they were at its birth. Where the position was the same before and
// after, it was that at the birth too; a batch lands in between only now and then.
absl::StatusOr<Frozen> Freeze(const RowReader& rows, Partition partition,
                              const std::string& prefix) {
  Frozen frozen;
  for (int attempt = 0; attempt < kFreezeAttempts; ++attempt) {
    CRM_ASSIGN_OR_RETURN(frozen.stored, PositionOf(rows, partition));
    frozen.rows = rows.Scan(prefix, PrefixEnd(prefix));
    CRM_ASSIGN_OR_RETURN(const Offset after, PositionOf(rows, partition));
    if (after == frozen.stored) return frozen;
  }
  return Error(absl::StatusCode::kUnavailable, "NO_SNAPSHOT",
               "the order facts changed too fast to be read at one position; try again");
}

absl::StatusOr<Offset> VisitPartition(const RowReader& rows, Partition partition,
                                      std::string_view tenant, const OrderFacts::Visit& visit) {
  CRM_ASSIGN_OR_RETURN(const Frozen frozen,
                       Freeze(rows, partition, TenantPrefix(partition, kFact, tenant)));
  RowIterator& scan = *frozen.rows;
  for (; scan.Valid(); scan.Next()) {
    CRM_ASSIGN_OR_RETURN(const DayFact fact, FactOf(scan.key(), scan.value()));
    visit(SplitContactKey(scan.key()).id, fact);
  }
  CRM_RETURN_IF_ERROR(scan.status());
  return frozen.stored;
}

}  // namespace

int64_t AddHeld(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return a < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

std::unique_ptr<Fold> OrderFacts::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<FactsFold>(partition, rows);
}

std::string OrderFacts::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kFact) return "";
  const auto fact = FactOf(key, value);
  if (!fact.ok()) return "unreadable";
  const KeyOfContact parts = SplitContactKey(key);
  return fmt::format("{} {} {} day {} purchases {} returns {} amount {}", parts.tenant, parts.id,
                     fact->currency, fact->day, fact->purchases, fact->returns, fact->amount_minor);
}

absl::Status OrderFacts::OfContact(const RowReader& rows, std::string_view tenant,
                                   std::string_view id, const Visit& visit) {
  const Partition partition = PartitionOfSubject(tenant, ContactName(id));
  const std::string prefix = ContactPrefix(partition, kFact, tenant, id);
  const auto scan = rows.Scan(prefix, PrefixEnd(prefix));
  for (; scan->Valid(); scan->Next()) {
    CRM_ASSIGN_OR_RETURN(const DayFact fact, FactOf(scan->key(), scan->value()));
    visit(id, fact);
  }
  return scan->status();
}

absl::StatusOr<std::vector<Offset>> OrderFacts::OfTenant(const RowReader& rows,
                                                         std::string_view tenant,
                                                         const Visit& visit) {
  std::vector<Offset> read_to;
  for (Partition partition = 0; partition < kPartitions; ++partition) {
    CRM_ASSIGN_OR_RETURN(const Offset position, VisitPartition(rows, partition, tenant, visit));
    read_to.push_back(position);
  }
  return read_to;
}

}  // namespace crm::analytics
