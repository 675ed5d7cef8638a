#pragma once

#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "crm/interaction/v1/interaction_service.pb.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/row_columns.h"

namespace crm::crmctl {

// Names of columns; empty = the file has none.
struct OrderColumns {
  // The system orders and contacts come from.
  std::string source;
  std::string key_column;
  std::string contact_column;
  std::string time_column;
  std::string product_column;
  std::string quantity_column;
  std::string amount_column;
  std::string place_column;
  // ISO 4217, and the digits behind its point.
  std::string currency;
  int decimals = 2;
};

// An order from all rows with its key: one row a line of the order. Rows of an order need not be
// neighbours, and orders are sent in the order of their times, so the whole file is read before the
// first is sent; memory grows with it.
class OrderRows final : public RowImport {
 public:
  explicit OrderRows(OrderColumns columns) : columns_(std::move(columns)) {}

  std::string method() const override {
    return "/crm.interaction.v1.InteractionService/ImportOrders";
  }
  // A row is one line of an order.
  bool RowsStandAlone() const override { return false; }
  absl::Status Open(const CsvTable& table) override;
  Row Next(const CsvRecord& record) override;
  std::optional<BatchImport::Item> End() override;
  std::vector<std::string> outcomes() const override {
    return {"recorded", "corrected", "unchanged"};
  }
  size_t OutcomeOf(const std::string& response) const override;

 private:
  struct Order {
    // Of its first row.
    int64_t line = 0;
    interaction::v1::RecordOrderRequest request;
  };

  Order& OrderOf(const CsvRecord& record, RowCells& cells);

  const OrderColumns columns_;
  size_t key_ = 0;
  size_t contact_ = 0;
  size_t time_ = 0;
  size_t product_ = 0;
  size_t quantity_ = 0;
  size_t amount_ = 0;
  size_t place_ = 0;
  // In order of first rows; the map holds places in it.
  std::deque<Order> orders_;
  absl::flat_hash_map<std::string, size_t> by_key_;
  size_t sent_ = 0;
};

}  // namespace crm::crmctl
