#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace crm::crmctl {

// One thing wrong with a file. Never holds a cell's content: it may be personal.
struct CsvFault {
  // From 1.
  int64_t line = 0;
  // From 1; 0 = the fault is the whole row's.
  int column = 0;
  std::string what;
};

// "line 7, column 2 (age): …"; names the column where `header` has it.
std::string Describe(const CsvFault& fault, const std::vector<std::string>& header);

struct CsvRecord {
  // Where it begins; a quoted cell may hold line ends.
  int64_t line = 0;
  std::vector<std::string> cells;
  std::vector<CsvFault> faults;
  // Nothing after this record can be told apart: a quote is not closed, or the file cannot be read.
  bool fatal = false;
};

// Reads RFC 4180 CSV, a record at a time: cells in quotes with doubled quotes and line ends, LF or
// CRLF, an UTF-8 byte order mark. Lines without a character are skipped. What breaks the format, or
// is not UTF-8, is a fault of its record; reading goes on with the next line. Memory stays within a
// record, which is at most kMaxRecordBytes. Not thread-safe.
class CsvReader {
 public:
  static constexpr size_t kMaxRecordBytes = 1 << 20;

  // `in` outlives it; opened as binary.
  explicit CsvReader(std::istream& in) : in_(in) {}

  // nullopt at the end of the file.
  std::optional<CsvRecord> Next();
  // Consumed so far.
  int64_t bytes() const { return bytes_; }

 private:
  enum class State { kCellStart, kPlain, kQuoted, kQuoteInQuoted, kEnd };

  void SkipByteOrderMark();
  int Take();
  State Step(State state, char c);
  State StepPlain(State state, char c);
  State StepCarriageReturn();
  void EndCell();
  void EndFile(State state);
  void AddFault(std::string what);
  void Stop(std::string what);

  std::istream& in_;
  int64_t bytes_ = 0;
  int64_t line_ = 1;
  bool begun_ = false;
  bool stopped_ = false;
  CsvRecord record_;
  std::string cell_;
  size_t record_bytes_ = 0;
  int64_t quote_line_ = 0;
  // A cell has one fault at most: the first tells, those that follow from it would not.
  bool cell_faulty_ = false;
};

// A CSV file with a header line: every record has as many cells as the header. Not thread-safe.
class CsvTable {
 public:
  // Reads the header. INVALID_ARGUMENT names every fault of it: an empty file, a column without a
  // name, a name twice.
  static absl::StatusOr<CsvTable> Open(std::istream& in);

  const std::vector<std::string>& header() const { return header_; }
  // Place of a column; nullopt where there is none of that name.
  std::optional<size_t> Find(std::string_view column) const;
  // The next record; one with faults may have any number of cells.
  std::optional<CsvRecord> Next();
  int64_t bytes() const { return reader_.bytes(); }

 private:
  explicit CsvTable(CsvReader reader) : reader_(std::move(reader)) {}

  CsvReader reader_;
  std::vector<std::string> header_;
};

}  // namespace crm::crmctl
