#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/crmctl/csv_reader.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/importing/row_file.h"

namespace crm::crmctl {

// The rows of a CSV file. A file of refused rows has the columns of the input and three more, line,
// field and reason, which a mapping passes over; it is UTF-8 whatever the input is, and says so by
// a byte order mark. Not thread-safe.
class CsvRows final : public RowFile {
 public:
  // Both outlive it; `import` is open.
  CsvRows(CsvTable& table, RowImport& import) : table_(table), import_(import) {}

  std::optional<Row> Next() override;
  const std::vector<std::string>& header() const override { return table_.header(); }
  int64_t bytes() const override { return table_.bytes(); }
  std::string RefusedHeader() const override;
  std::string RefusedRow(const std::vector<std::string>& cells,
                         const Refusal& refusal) const override;

 private:
  // Columns of the input itself: it may be a file of refused rows.
  size_t OwnColumns() const;

  CsvTable& table_;
  RowImport& import_;
  bool ended_ = false;
};

}  // namespace crm::crmctl
