#include "tools/crmctl/importing/csv_rows.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/bytes.h"

namespace crm::crmctl {
namespace {

constexpr std::array<const char*, 3> kRefusalColumns = {"refused_line", "refused_field",
                                                        "refused_reason"};
constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";
constexpr char kReplacement[] = "\xEF\xBF\xBD";

// What is no UTF-8 is replaced, byte by byte.
std::string MendUtf8(const std::string& cell) {
  if (IsUtf8(cell)) return cell;
  std::string mended;
  for (size_t i = 0; i < cell.size();) {
    size_t size = 1;
    while (size < 4 && i + size <= cell.size() && !IsUtf8({cell.data() + i, size})) ++size;
    const bool sound = i + size <= cell.size() && IsUtf8({cell.data() + i, size});
    mended += sound ? cell.substr(i, size) : kReplacement;
    i += sound ? size : 1;
  }
  return mended;
}

}  // namespace

std::optional<RowFile::Row> CsvRows::Next() {
  while (!ended_) {
    std::optional<CsvRecord> record = table_.Next();
    if (!record) break;
    ended_ = record->fatal;
    if (!record->faults.empty()) {
      return Row{record->line, std::move(record->faults), std::nullopt, std::move(record->cells)};
    }
    RowImport::Row row = import_.Next(*record);
    if (!row.item && row.faults.empty()) continue;
    return Row{record->line, std::move(row.faults), std::move(row.item), std::move(record->cells)};
  }
  ended_ = true;
  std::optional<BatchImport::Item> item = import_.End();
  if (!item) return std::nullopt;
  const int64_t line = item->row;
  return Row{line, {}, std::move(item), {}};
}

size_t CsvRows::OwnColumns() const {
  const std::vector<std::string>& header = table_.header();
  const bool refused = header.size() > kRefusalColumns.size() &&
                       std::equal(kRefusalColumns.begin(), kRefusalColumns.end(), header.end() - 3);
  return header.size() - (refused ? kRefusalColumns.size() : 0);
}

std::string CsvRows::RefusedHeader() const {
  const auto& header = table_.header();
  std::vector<std::string> names(header.begin(), header.begin() + static_cast<long>(OwnColumns()));
  names.insert(names.end(), kRefusalColumns.begin(), kRefusalColumns.end());
  const bool plain = table_.dialect().encoding == Encoding::kUtf8;
  return (plain ? "" : kByteOrderMark) + ToCsvLine(names, table_.dialect());
}

std::string CsvRows::RefusedRow(const std::vector<std::string>& cells,
                                const Refusal& refusal) const {
  std::vector<std::string> row;
  // A row with too many cells keeps those that have a column; one with too few gets empty ones.
  for (size_t i = 0; i < OwnColumns(); ++i) {
    row.push_back(i < cells.size() ? MendUtf8(cells[i]) : "");
  }
  row.push_back(std::to_string(refusal.line));
  row.push_back(refusal.fields);
  row.push_back(refusal.reason);
  return ToCsvLine(row, table_.dialect());
}

}  // namespace crm::crmctl
