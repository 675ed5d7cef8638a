#pragma once

#include <array>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/crmctl/importing/text_source.h"

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
  // None of a record that is too long.
  std::vector<std::string> cells;
  std::vector<CsvFault> faults;
  // Nothing after this record can be told apart: a quote is not closed, or the file cannot be read.
  bool fatal = false;
};

// How a file is written.
struct CsvDialect {
  Encoding encoding = Encoding::kUtf8;
  // Between two cells; one character or more. No quote and no line end.
  std::string delimiter = ",";
  // Around a cell, doubled within it. Nothing: no character is special.
  std::optional<char> quote = '"';
};

// The record as a line of the dialect's file, in UTF-8, with its line end.
std::string ToCsvLine(const std::vector<std::string>& cells, const CsvDialect& dialect);

// Reads CSV as of RFC 4180, a record at a time: cells in quotes with doubled quotes and line ends,
// LF or CRLF, in any encoding TextSource knows. Lines without a character are skipped. What breaks
// the format, is not in the encoding, or is longer than kMaxRecordBytes is a fault of its record;
// reading goes on with the next line. Memory stays within a record and a block. Not thread-safe.
class CsvReader {
 public:
  static constexpr size_t kMaxRecordBytes = 1 << 20;

  // `in` outlives it; opened as binary.
  explicit CsvReader(std::istream& in, CsvDialect dialect = {});

  // nullopt at the end of the file.
  std::optional<CsvRecord> Next();
  // Consumed so far, to a block.
  int64_t bytes() const { return source_.bytes(); }
  const CsvDialect& dialect() const { return dialect_; }

 private:
  // kLost: out of step with the quotes of a record that is too long; goes on with the next line.
  enum class State { kCellStart, kPlain, kQuoted, kQuoteInQuoted, kLost, kEnd };

  void ReadRecord();
  bool Ahead(size_t count);
  bool IsAhead(std::string_view text);
  bool IsQuote(char c) const { return dialect_.quote == c; }
  void TakeRun(const std::array<bool, 256>& special);
  void Keep(size_t count);
  void Skip(size_t count);
  State Step(State state);
  State StepPlain(State state);
  State StepCarriageReturn();
  State StepLost();
  State EndRow(size_t line_end);
  void EndCell();
  void EndFile(State state);
  void AddFault(std::string what);
  void Stop(std::string what);

  TextSource source_;
  CsvDialect dialect_;
  // What ends a run of plain characters outside and inside of quotes.
  std::array<bool, 256> special_{};
  std::array<bool, 256> special_in_quotes_{};
  // Text that was read and not yet consumed: from at_ on.
  std::string text_;
  size_t at_ = 0;
  bool exhausted_ = false;

  int64_t line_ = 1;
  bool stopped_ = false;
  CsvRecord record_;
  std::string cell_;
  size_t record_bytes_ = 0;
  bool too_long_ = false;
  int64_t quote_line_ = 0;
  // A cell has one fault at most: the first tells, those that follow from it would not.
  bool cell_faulty_ = false;
};

// A CSV file with a header line: every record has as many cells as the header. Not thread-safe.
class CsvTable {
 public:
  // Reads the header. INVALID_ARGUMENT names every fault of it: an empty file, a column without a
  // name, a name twice.
  static absl::StatusOr<CsvTable> Open(std::istream& in, const CsvDialect& dialect = {});

  const std::vector<std::string>& header() const { return header_; }
  const CsvDialect& dialect() const { return reader_.dialect(); }
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
