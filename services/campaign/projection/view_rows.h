#pragma once

#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/projection/projection.h"

namespace crm::campaign {

// Reads a protobuf row. DATA_LOSS where it cannot be parsed. `Reader` is Rows or a RowReader.
template <typename Row, typename Reader>
absl::StatusOr<std::optional<Row>> ReadRow(Reader& rows, std::string_view key) {
  CRM_ASSIGN_OR_RETURN(const auto bytes, rows.Get(key));
  if (!bytes) return std::optional<Row>();
  std::optional<Row> row(std::in_place);
  if (!row->ParseFromString(*bytes)) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of a view cannot be parsed; rebuild the view");
  }
  return row;
}

// Tenant and the other parts of the key with blanks between them, then the row's bytes in hex.
// `drop` clears what the business dump leaves out.
template <typename Row, typename Drop>
std::string BusinessLineOf(std::string_view key, std::string_view value, Drop drop) {
  std::string line(key.substr(1));
  std::replace(line.begin(), line.end(), '\0', ' ');
  Row row;
  if (!row.ParseFromArray(value.data(), static_cast<int>(value.size()))) return line;
  drop(&row);
  return line + " " + Hex(row.SerializeAsString());
}
template <typename Row>
std::string BusinessLineOf(std::string_view key, std::string_view value) {
  return BusinessLineOf<Row>(key, value, [](Row*) {});
}

}  // namespace crm::campaign
