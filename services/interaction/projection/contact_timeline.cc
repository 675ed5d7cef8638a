#include "services/interaction/projection/contact_timeline.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/interaction/projection/interaction_aggregate.h"
#include "services/interaction/projection/order_aggregate.h"
#include "services/interaction/projection/timeline_rows.h"

namespace crm::interaction {
namespace {

using Lines = google::protobuf::RepeatedPtrField<v1::OrderLine>;

constexpr int kAdd = 1;
constexpr int kRemove = -1;

absl::Status UnreadableRow() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the view cannot be read; rebuild the projection");
}

ProductSum SumOf(const v1::OrderLine& line) {
  const bool returned = line.amount_minor() < 0;
  ProductSum sum;
  sum.Add({line.quantity(), 0, 0}, returned ? kRemove : kAdd);
  (returned ? sum.returns : sum.purchases) = 1;
  return sum;
}

// Products of the lines that buy, sorted, each once.
std::vector<std::string_view> Bought(const Lines& lines) {
  std::vector<std::string_view> products;
  for (const v1::OrderLine& line : lines) {
    if (line.amount_minor() >= 0) products.push_back(line.product());
  }
  std::sort(products.begin(), products.end());
  products.erase(std::unique(products.begin(), products.end()), products.end());
  return products;
}

// Sums met since the last flush, by row key: a customer's facts often come together.
template <typename Sum>
class SumRows {
 public:
  explicit SumRows(Rows& rows) : rows_(rows) {}

  absl::Status Add(std::string key, const Sum& sum, int sign) {
    const auto [held, first] = held_.try_emplace(std::move(key));
    if (first) {
      const auto stored = Read(held->first);
      if (!stored.ok()) {
        held_.erase(held);
        return stored.status();
      }
      held->second = *stored;
    }
    held->second.Add(sum, sign);
    return absl::OkStatus();
  }

  void Flush() {
    for (const auto& [key, sum] : held_) {
      sum.empty() ? rows_.Delete(key) : rows_.Put(key, sum.ToRow());
    }
    held_.clear();
  }

 private:
  absl::StatusOr<Sum> Read(const std::string& key) {
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
    if (!row) return Sum{};
    const auto sum = Sum::FromRow(*row);
    if (!sum) return UnreadableRow();
    return *sum;
  }

  Rows& rows_;
  absl::flat_hash_map<std::string, Sum> held_;
};

class TimelineFold final : public Fold {
 public:
  TimelineFold(Partition partition, Rows& rows)
      : partition_(partition), rows_(rows), totals_(rows), products_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    for (const Event& event : command) CRM_RETURN_IF_ERROR(ApplyOne(event));
    return absl::OkStatus();
  }

  absl::Status Unreadable(std::string_view tenant, std::string_view subject, Offset,
                          const absl::Status&) override {
    const ContactRef contact{partition_, tenant, subject};
    CRM_RETURN_IF_ERROR(Flush());
    for (const auto family : {TimelineFamily::kInteractions, TimelineFamily::kOrders}) {
      rows_.DeletePrefix(TimelinePrefix(contact, family));
    }
    rows_.DeletePrefix(TotalsPrefix(contact));
    rows_.DeletePrefix(ProductsPrefix(contact));
    rows_.Put(AnyUnreadableKey(partition_), "");
    rows_.Put(UnreadableKey(contact), "");
    any_unreadable_ = true;
    return absl::OkStatus();
  }

  absl::Status Flush() override {
    totals_.Flush();
    products_.Flush();
    return absl::OkStatus();
  }

 private:
  absl::Status ApplyOne(const Event& event) {
    const common::v1::EventMetadata& metadata = *event.metadata;
    const ContactRef contact{partition_, metadata.tenant(), SubjectOf(metadata.aggregate())};
    if (event.aggregate_field == InteractionAggregate::kRecordField) {
      CRM_ASSIGN_OR_RETURN(const bool unreadable, IsUnreadable(contact));
      if (unreadable) return absl::OkStatus();
      ApplyInteraction(contact, metadata.aggregate(),
                       static_cast<const v1::InteractionEvent&>(*event.aggregate_event));
    }
    if (event.aggregate_field == OrderAggregate::kRecordField) {
      CRM_ASSIGN_OR_RETURN(const bool unreadable, IsUnreadable(contact));
      if (unreadable) return absl::OkStatus();
      return ApplyOrder(contact, metadata.aggregate(),
                        static_cast<const v1::OrderEvent&>(*event.aggregate_event));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<bool> IsUnreadable(const ContactRef& contact) {
    if (!any_unreadable_) {
      CRM_ASSIGN_OR_RETURN(const auto any, rows_.Get(AnyUnreadableKey(partition_)));
      any_unreadable_ = any.has_value();
    }
    if (!*any_unreadable_) return false;
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(UnreadableKey(contact)));
    return row.has_value();
  }

  void ApplyInteraction(const ContactRef& contact, std::string_view name,
                        const v1::InteractionEvent& event) {
    if (event.has_logged()) Enter(contact, name, event.logged().occurred_time());
    if (event.has_corrected()) {
      const auto& corrected = event.corrected();
      Leave(contact, TimelineFamily::kInteractions, name, corrected.previous_occurred_time());
      Enter(contact, name, corrected.occurred_time());
    }
  }

  void Enter(const ContactRef& contact, std::string_view name,
             const google::protobuf::Timestamp& time) {
    rows_.Put(RowKey(contact, TimelineFamily::kInteractions, name, time), "");
  }

  void Leave(const ContactRef& contact, TimelineFamily family, std::string_view name,
             const google::protobuf::Timestamp& time) {
    rows_.Delete(RowKey(contact, family, name, time));
  }

  absl::Status ApplyOrder(const ContactRef& contact, std::string_view name,
                          const v1::OrderEvent& event) {
    if (event.has_recorded()) return EnterOrder(contact, name, event.recorded());
    if (!event.has_corrected()) return absl::OkStatus();
    const auto& corrected = event.corrected();
    Leave(contact, TimelineFamily::kOrders, name, corrected.previous_occurred_time());
    CRM_RETURN_IF_ERROR(AddSums(contact, corrected.previous_currency_code(),
                                corrected.previous_total_minor(), corrected.previous_lines(),
                                kRemove));
    return EnterOrder(contact, name, corrected);
  }

  template <typename Content>
  absl::Status EnterOrder(const ContactRef& contact, std::string_view name,
                          const Content& content) {
    rows_.Put(RowKey(contact, TimelineFamily::kOrders, name, content.occurred_time()),
              ProductsToRow(Bought(content.lines())));
    return AddSums(contact, content.currency_code(), content.total_minor(), content.lines(), kAdd);
  }

  absl::Status AddSums(const ContactRef& contact, std::string_view currency, int64_t total_minor,
                       const Lines& lines, int sign) {
    CRM_RETURN_IF_ERROR(
        totals_.Add(TotalsPrefix(contact).append(currency), OrderSum{1, total_minor}, sign));
    const std::string products = ProductsPrefix(contact);
    for (const v1::OrderLine& line : lines) {
      CRM_RETURN_IF_ERROR(products_.Add(products + line.product(), SumOf(line), sign));
    }
    return absl::OkStatus();
  }

  static std::string RowKey(const ContactRef& contact, TimelineFamily family, std::string_view name,
                            const google::protobuf::Timestamp& time) {
    return TimelinePrefix(contact, family).append(PlaceOf(ReadInstant(time), name));
  }

  const Partition partition_;
  Rows& rows_;
  SumRows<OrderSum> totals_;
  SumRows<ProductSum> products_;
  // Unknown until first asked.
  std::optional<bool> any_unreadable_;
};

}  // namespace

std::unique_ptr<Fold> ContactTimeline::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<TimelineFold>(partition, rows);
}

std::string ContactTimeline::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] == 'm' || key[1] == 'q') return "";
  const size_t tenant_end = key.find('\0', 2);
  const size_t contact_end = key.find('\0', tenant_end + 1);
  if (contact_end == std::string_view::npos) return "";
  const std::string_view place = key.substr(contact_end + 1);
  const bool timed = key[1] == 'i' || key[1] == 'o';
  std::string line(key.substr(2, tenant_end - 2));
  line.append(" ").append(key.substr(tenant_end + 1, contact_end - tenant_end - 1));
  line.append(" ").append(1, key[1]).append(" ");
  line.append(timed ? std::to_string(TimeAt(place).seconds) + " " + std::string(IdAt(place))
                    : std::string(place));
  return line.append(" ").append(Hex(value));
}

}  // namespace crm::interaction
