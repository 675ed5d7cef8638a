#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/crmctl/batch_import.h"
#include "tools/crmctl/csv_reader.h"

namespace crm::crmctl {

// What a row became, or why it did not; for the file of refused rows.
struct Refusal {
  int64_t line = 0;
  // Names of columns and paths of fields, in the order of `reason`.
  std::string fields;
  std::string reason;
};

// A file that is read row by row as commands, and whose rows can be written as the file has them.
// Not thread-safe.
class RowFile {
 public:
  virtual ~RowFile() = default;

  struct Row {
    // Where it begins.
    int64_t line = 0;
    // Without faults there is a command.
    std::vector<CsvFault> faults;
    std::optional<BatchImport::Item> item;
    // What the file says.
    std::vector<std::string> cells;
  };
  // The next row, always the same ones in the same order; nullopt at the end.
  virtual std::optional<Row> Next() = 0;
  // Names of the columns, for faults; may be empty.
  virtual const std::vector<std::string>& header() const = 0;
  // Of the file, consumed so far.
  virtual int64_t bytes() const = 0;

  // What a file of refused rows begins with, and one of its rows.
  virtual std::string RefusedHeader() const = 0;
  virtual std::string RefusedRow(const std::vector<std::string>& cells,
                                 const Refusal& refusal) const = 0;
};

}  // namespace crm::crmctl
