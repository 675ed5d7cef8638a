#include "services/campaign/projection/audience_orders.h"

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "crm/campaign/v1/audience_rows.pb.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/campaign/projection/audience_fold.h"
#include "services/campaign/projection/row_keys.h"
#include "services/campaign/projection/view_rows.h"

namespace crm::campaign {
namespace {

using interaction::v1::InteractionRecord;
using interaction::v1::OrderEvent;

constexpr char kSummary = 's';
constexpr char kOrder = 'o';
constexpr char kProduct = 'p';

// `event` is an OrderRecorded or an OrderCorrected.
template <typename OrderContent>
v1::AudienceOrderRow RowOf(const OrderContent& event, const common::v1::EventMetadata& metadata) {
  v1::AudienceOrderRow row;
  row.set_occurred_time_ns(
      ToTimeNs(metadata.has_occurred_time() ? metadata.occurred_time() : metadata.recorded_time()));
  row.set_currency_code(event.currency_code());
  row.set_total_minor(event.total_minor());
  for (const auto& line : event.lines()) row.add_products(line.product());
  auto& products = *row.mutable_products();
  std::sort(products.begin(), products.end());
  products.erase(std::unique(products.begin(), products.end()), products.end());
  return row;
}

int64_t WrappingSum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t WrappingNegative(int64_t a) {
  return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
}

using Amount = v1::AudienceOrdersRow::Amount;

void AddAmount(const std::string& currency, int64_t amount, v1::AudienceOrdersRow* summary) {
  auto& amounts = *summary->mutable_amounts();
  auto at = std::lower_bound(
      amounts.begin(), amounts.end(), currency,
      [](const Amount& a, const std::string& code) { return a.currency_code() < code; });
  if (at == amounts.end() || at->currency_code() != currency) {
    const auto index = at - amounts.begin();
    amounts.Add()->set_currency_code(currency);
    std::rotate(amounts.begin() + index, amounts.end() - 1, amounts.end());
    at = amounts.begin() + index;
  }
  at->set_amount_minor(WrappingSum(at->amount_minor(), amount));
}

// Takes `time` among the times of the orders.
void Include(TimeNs time, v1::AudienceOrdersRow* summary) {
  if (summary->count() == 0 || time <= summary->first_time_ns()) {
    summary->set_first_time_ns(time);
    summary->set_first_is_bound(false);
  }
  if (summary->count() == 0 || time >= summary->last_time_ns()) {
    summary->set_last_time_ns(time);
    summary->set_last_is_bound(false);
  }
}

// The order at `time` is no more among them; others may be.
void Exclude(TimeNs time, v1::AudienceOrdersRow* summary) {
  if (time == summary->first_time_ns()) summary->set_first_is_bound(true);
  if (time == summary->last_time_ns()) summary->set_last_is_bound(true);
}

void Count(const v1::AudienceOrderRow& order, v1::AudienceOrdersRow* summary) {
  Include(order.occurred_time_ns(), summary);
  summary->set_count(summary->count() + 1);
  AddAmount(order.currency_code(), order.total_minor(), summary);
}

void Replace(const v1::AudienceOrderRow& before, const v1::AudienceOrderRow& order,
             v1::AudienceOrdersRow* summary) {
  AddAmount(before.currency_code(), WrappingNegative(before.total_minor()), summary);
  AddAmount(order.currency_code(), order.total_minor(), summary);
  if (before.occurred_time_ns() == order.occurred_time_ns()) return;
  Exclude(before.occurred_time_ns(), summary);
  Include(order.occurred_time_ns(), summary);
}

class OrdersFold final : public AudienceFold {
 public:
  OrdersFold(Partition partition, Rows& rows)
      : AudienceFold(partition, rows), partition_(partition), rows_(rows) {}

 private:
  absl::Status ApplyOne(const Whose& whose, const Event& event) override {
    if (event.aggregate_field != InteractionRecord::kOrderFieldNumber) return absl::OkStatus();
    const auto& order = static_cast<const OrderEvent&>(*event.aggregate_event);
    const std::string_view id = LastIdOf(event.metadata->aggregate());
    if (order.has_recorded()) return Recorded(whose, id, RowOf(order.recorded(), *event.metadata));
    if (order.has_corrected()) {
      return Corrected(whose, id, RowOf(order.corrected(), *event.metadata));
    }
    return absl::OkStatus();
  }

  absl::Status Forget(const Whose& whose) override {
    rows_.Delete(AudienceOrders::SummaryKey(partition_, whose.tenant, whose.id));
    for (const char family : {kOrder, kProduct}) {
      rows_.DeletePrefix(OwnedKey(partition_, family, whose.tenant, whose.id, ""));
    }
    return absl::OkStatus();
  }

  absl::Status Recorded(const Whose& whose, std::string_view id,
                        const v1::AudienceOrderRow& order) {
    for (const std::string& product : order.products()) {
      CRM_RETURN_IF_ERROR(AddProduct(whose, product, 1));
    }
    PutOrder(whose, id, order);
    return ChangeSummary(whose, [&](v1::AudienceOrdersRow* summary) { Count(order, summary); });
  }

  absl::Status Corrected(const Whose& whose, std::string_view id,
                         const v1::AudienceOrderRow& order) {
    CRM_ASSIGN_OR_RETURN(const auto before,
                         ReadRow<v1::AudienceOrderRow>(
                             rows_, OwnedKey(partition_, kOrder, whose.tenant, whose.id, id)));
    if (!before) return absl::OkStatus();
    CRM_RETURN_IF_ERROR(MoveProducts(whose, before->products(), order.products()));
    PutOrder(whose, id, order);
    return ChangeSummary(whose,
                         [&](v1::AudienceOrdersRow* summary) { Replace(*before, order, summary); });
  }

  template <typename Products>
  absl::Status MoveProducts(const Whose& whose, const Products& before, const Products& now) {
    for (const std::string& product : now) {
      if (std::binary_search(before.begin(), before.end(), product)) continue;
      CRM_RETURN_IF_ERROR(AddProduct(whose, product, 1));
    }
    for (const std::string& product : before) {
      if (std::binary_search(now.begin(), now.end(), product)) continue;
      CRM_RETURN_IF_ERROR(AddProduct(whose, product, -1));
    }
    return absl::OkStatus();
  }

  absl::Status AddProduct(const Whose& whose, std::string_view product, int orders) {
    std::string key = AudienceOrders::ProductKey(partition_, whose.tenant, whose.id, product);
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
    uint64_t count = 0;
    std::string_view bytes = row ? std::string_view(*row) : std::string_view();
    if (row && !ReadVarint(&bytes, &count)) count = 0;
    count += static_cast<uint64_t>(static_cast<int64_t>(orders));
    if (count == 0) {
      rows_.Delete(std::move(key));
      return absl::OkStatus();
    }
    std::string value;
    AppendVarint(&value, count);
    rows_.Put(std::move(key), std::move(value));
    return absl::OkStatus();
  }

  void PutOrder(const Whose& whose, std::string_view id, const v1::AudienceOrderRow& order) {
    rows_.Put(OwnedKey(partition_, kOrder, whose.tenant, whose.id, id), order.SerializeAsString());
  }

  template <typename Change>
  absl::Status ChangeSummary(const Whose& whose, Change change) {
    std::string key = AudienceOrders::SummaryKey(partition_, whose.tenant, whose.id);
    CRM_ASSIGN_OR_RETURN(auto found, ReadRow<v1::AudienceOrdersRow>(rows_, key));
    v1::AudienceOrdersRow summary = found.value_or(v1::AudienceOrdersRow());
    change(&summary);
    rows_.Put(std::move(key), summary.SerializeAsString());
    return absl::OkStatus();
  }

  const Partition partition_;
  Rows& rows_;
};

}  // namespace

std::unique_ptr<Fold> AudienceOrders::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<OrdersFold>(partition, rows);
}

// The summary's times depend on the order in which orders became known, as they may be bounds; the
// orders' own lines tell them.
std::string AudienceOrders::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kOrder) return "";
  return BusinessLineOf<v1::AudienceOrderRow>(key, value);
}

std::string AudienceOrders::SummaryKey(Partition partition, std::string_view tenant,
                                       std::string_view id) {
  return TenantKey(partition, kSummary, tenant, id);
}
std::string AudienceOrders::OrdersPrefix(Partition partition, std::string_view tenant,
                                         std::string_view id) {
  return OwnedKey(partition, kOrder, tenant, id, "");
}
std::string AudienceOrders::ProductKey(Partition partition, std::string_view tenant,
                                       std::string_view id, std::string_view product) {
  return OwnedKey(partition, kProduct, tenant, id, product);
}

}  // namespace crm::campaign
