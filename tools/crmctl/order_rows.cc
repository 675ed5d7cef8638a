#include "tools/crmctl/order_rows.h"

#include <algorithm>
#include <utility>

namespace crm::crmctl {

using interaction::v1::RecordOrderRequest;
using interaction::v1::RecordOrderResponse;

absl::Status OrderRows::Open(const CsvTable& table) {
  RowColumns columns;
  key_ = columns.Find(table, columns_.key_column);
  contact_ = columns.Find(table, columns_.contact_column);
  time_ = columns.Find(table, columns_.time_column);
  product_ = columns.Find(table, columns_.product_column);
  quantity_ = columns.Find(table, columns_.quantity_column);
  amount_ = columns.Find(table, columns_.amount_column);
  place_ = columns.Find(table, columns_.place_column);
  return columns.Check();
}

OrderRows::Order& OrderRows::OrderOf(const CsvRecord& record, RowCells& cells) {
  // The same order number may be used by two customers: names of orders are the customer's own.
  const std::string key = cells.Text(contact_) + '\n' + cells.Text(key_);
  const auto [found, first] = by_key_.try_emplace(key, orders_.size());
  if (!first) return orders_[found->second];
  Order& order = orders_.emplace_back();
  order.line = record.line;
  *order.request.mutable_contact_key() = cells.Key(columns_.source, contact_);
  auto* content = order.request.mutable_order();
  *content->mutable_external_key() = cells.Key(columns_.source, key_);
  if (const auto time = cells.Time(time_)) *content->mutable_occurred_time() = *time;
  content->set_currency_code(columns_.currency);
  content->set_place(cells.Text(place_));
  return order;
}

RowImport::Row OrderRows::Next(const CsvRecord& record) {
  RowCells cells(record);
  interaction::v1::OrderLine line;
  line.set_product(product_ == RowColumns::kNone ? "-" : cells.Required(product_));
  line.set_quantity(quantity_ == RowColumns::kNone ? 1 : cells.Whole(quantity_));
  line.set_amount_minor(cells.Amount(amount_, columns_.decimals));
  cells.Required(key_);
  cells.Required(contact_);
  cells.Time(time_);
  if (cells.faulty()) return {cells.TakeFaults(), std::nullopt};
  *OrderOf(record, cells).request.mutable_order()->add_lines() = std::move(line);
  return {};
}

std::optional<BatchImport::Item> OrderRows::End() {
  if (sent_ == 0) {
    std::stable_sort(orders_.begin(), orders_.end(), [](const Order& a, const Order& b) {
      const auto& first = a.request.order().occurred_time();
      const auto& second = b.request.order().occurred_time();
      return std::pair(first.seconds(), first.nanos()) <
             std::pair(second.seconds(), second.nanos());
    });
  }
  if (sent_ == orders_.size()) return std::nullopt;
  Order order = std::move(orders_[sent_++]);
  // One at a time for each customer: they are recorded in the order of their times, whatever the
  // file's, so that stages of the life cycle move as they did.
  return BatchImport::Item{order.line, order.request.contact_key().key(),
                           order.request.SerializeAsString()};
}

size_t OrderRows::OutcomeOf(const std::string& bytes) const {
  RecordOrderResponse response;
  response.ParseFromString(bytes);
  if (response.outcome() == interaction::v1::RECORDED) return 0;
  return response.outcome() == interaction::v1::CORRECTED ? 1 : 2;
}

}  // namespace crm::crmctl
