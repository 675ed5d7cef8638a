#include "tools/crmctl/row_columns.h"

#include <fmt/format.h>

#include "common/base/status.h"
#include "tools/crmctl/cell_values.h"

namespace crm::crmctl {

size_t RowColumns::Find(const CsvTable& table, const std::string& name) {
  if (name.empty()) return kNone;
  if (const auto found = table.Find(name)) return *found;
  missing_.push_back(name);
  return kNone;
}

absl::Status RowColumns::Check() const {
  if (missing_.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "COLUMN_NOT_FOUND",
               fmt::format("the file has no column {}", fmt::join(missing_, ", ")));
}

const std::string& RowCells::Text(size_t column) const {
  static const std::string kEmpty;
  return column == RowColumns::kNone ? kEmpty : record_.cells.at(column);
}

const std::string& RowCells::Required(size_t column) {
  const std::string& cell = Text(column);
  if (cell.empty()) Fault(column, "must not be empty");
  return cell;
}

int64_t RowCells::Whole(size_t column) {
  if (column == RowColumns::kNone) return 0;
  const auto value = ParseWhole(Text(column));
  if (!value) Fault(column, "must be a whole number");
  return value.value_or(0);
}

int64_t RowCells::Amount(size_t column, int decimals) {
  const auto value = ParseAmount(Text(column), decimals);
  if (!value) Fault(column, fmt::format("must be a number with at most {} decimals", decimals));
  return value.value_or(0);
}

std::optional<google::protobuf::Timestamp> RowCells::Time(size_t column) {
  if (column == RowColumns::kNone) return std::nullopt;
  auto time = ParseTime(Text(column));
  if (!time) Fault(column, "must be a date, 'YYYY-MM-DD hh:mm:ss' (UTC), or RFC 3339");
  return time;
}

contact::v1::ExternalKey RowCells::Key(const std::string& source, size_t column) {
  contact::v1::ExternalKey key;
  key.set_source(source);
  key.set_key(Required(column));
  return key;
}

void RowCells::Fault(size_t column, std::string what) {
  const int place = column == RowColumns::kNone ? 0 : static_cast<int>(column) + 1;
  faults_.push_back({record_.line, place, std::move(what)});
}

}  // namespace crm::crmctl
