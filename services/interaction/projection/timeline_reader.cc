#include "services/interaction/projection/timeline_reader.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm::interaction {
namespace {

absl::Status UnreadableRow() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the view cannot be read; rebuild the projection");
}

// The first key after `key`.
std::string Successor(std::string key) {
  key.push_back('\0');
  return key;
}

}  // namespace

std::unique_ptr<RowIterator> TimelineReader::Timeline(TimeOrder order, TimelineFamily family,
                                                      std::string_view after) const {
  const std::string prefix = TimelinePrefix(contact_, family);
  const std::string place = prefix + std::string(after);
  if (order == TimeOrder::kNewestFirst) {
    return rows_.Scan(after.empty() ? prefix : Successor(place), PrefixEnd(prefix));
  }
  return rows_.ScanBack(prefix, after.empty() ? PrefixEnd(prefix) : place);
}

absl::StatusOr<std::vector<TimelineReader::CurrencyTotal>> TimelineReader::Totals() const {
  const std::string prefix = TotalsPrefix(contact_);
  std::vector<CurrencyTotal> totals;
  const auto row = rows_.Scan(prefix, PrefixEnd(prefix));
  for (; row->Valid(); row->Next()) {
    const auto sum = OrderSum::FromRow(row->value());
    if (!sum) return UnreadableRow();
    totals.push_back({std::string(row->key().substr(prefix.size())), *sum});
  }
  CRM_RETURN_IF_ERROR(row->status());
  return totals;
}

absl::StatusOr<size_t> TimelineReader::CountOwned(size_t limit) const {
  const std::string prefix = ProductsPrefix(contact_);
  size_t owned = 0;
  const auto row = rows_.Scan(prefix, PrefixEnd(prefix));
  for (; row->Valid() && owned < limit; row->Next()) {
    const auto sum = ProductSum::FromRow(row->value());
    if (!sum) return UnreadableRow();
    if (sum->owned()) ++owned;
  }
  CRM_RETURN_IF_ERROR(row->status());
  return owned;
}

absl::StatusOr<ProductSum> TimelineReader::SumOf(std::string_view product) const {
  CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(ProductsPrefix(contact_).append(product)));
  const auto sum = row ? ProductSum::FromRow(*row) : ProductSum{};
  if (!sum) return UnreadableRow();
  return *sum;
}

absl::StatusOr<std::vector<TimelineReader::OwnedProduct>> TimelineReader::Owned(
    size_t limit) const {
  // Without the count, a contact with few products would be read to its first order.
  CRM_ASSIGN_OR_RETURN(const size_t wanted, CountOwned(limit));
  const size_t prefix = TimelinePrefix(contact_, TimelineFamily::kOrders).size();
  std::vector<OwnedProduct> owned;
  absl::flat_hash_set<std::string> met;
  const auto row = Timeline(TimeOrder::kNewestFirst, TimelineFamily::kOrders, "");
  for (; row->Valid(); row->Next()) {
    const Instant time = TimeAt(row->key().substr(prefix));
    // Orders of one moment are met by id, their products are listed by key.
    if (owned.size() >= wanted && (owned.empty() || owned.back().last_purchase_time != time)) break;
    const auto products = ProductsFromRow(row->value());
    if (!products) return UnreadableRow();
    for (const std::string_view product : *products) {
      if (!met.insert(std::string(product)).second) continue;
      CRM_ASSIGN_OR_RETURN(const ProductSum sum, SumOf(product));
      if (sum.owned()) owned.push_back({std::string(product), sum, time});
    }
  }
  CRM_RETURN_IF_ERROR(row->status());
  std::sort(owned.begin(), owned.end(), [](const OwnedProduct& a, const OwnedProduct& b) {
    if (a.last_purchase_time != b.last_purchase_time) {
      return a.last_purchase_time > b.last_purchase_time;
    }
    return a.product < b.product;
  });
  if (owned.size() > limit) owned.resize(limit);
  return owned;
}

}  // namespace crm::interaction
