#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "crm/contact/v1/contact.pb.h"
#include "tools/crmctl/csv_reader.h"

namespace crm::crmctl {

// Finds the columns an import reads, and reads their cells; gathers what is wrong with either.
// Not thread-safe.
class RowColumns {
 public:
  // All faults so far, of columns that are not there (INVALID_ARGUMENT).
  absl::Status Check() const;

  // A column that must be there; kNone for an empty name.
  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t Find(const CsvTable& table, const std::string& name);

 private:
  std::vector<std::string> missing_;
};

// The cells of one record. Not thread-safe.
class RowCells {
 public:
  explicit RowCells(const CsvRecord& record) : record_(record) {}

  // Empty where the column is kNone.
  const std::string& Text(size_t column) const;
  // A fault where the cell is empty.
  const std::string& Required(size_t column);
  int64_t Whole(size_t column);
  int64_t Amount(size_t column, int decimals);
  // Nothing where the column is kNone.
  std::optional<google::protobuf::Timestamp> Time(size_t column);
  // SOURCE and the required cell.
  contact::v1::ExternalKey Key(const std::string& source, size_t column);

  std::vector<CsvFault> TakeFaults() { return std::move(faults_); }
  bool faulty() const { return !faults_.empty(); }

 private:
  void Fault(size_t column, std::string what);

  const CsvRecord& record_;
  std::vector<CsvFault> faults_;
};

}  // namespace crm::crmctl
