#include "tools/crmctl/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm::crmctl {
namespace {

constexpr char kQuote = '"';
constexpr int kEof = std::istream::traits_type::eof();

absl::Status HeaderFaults(const std::vector<CsvFault>& faults) {
  std::string message;
  for (const CsvFault& fault : faults) {
    message += (message.empty() ? "" : "; ") + Describe(fault, {});
  }
  return Error(absl::StatusCode::kInvalidArgument, "CSV_HEADER", message);
}

// Faults that concern names only; the reader has found those of the format.
std::vector<CsvFault> NameFaults(const CsvRecord& header) {
  std::vector<CsvFault> faults;
  for (size_t i = 0; i < header.cells.size(); ++i) {
    const int column = static_cast<int>(i) + 1;
    const auto first = std::find(header.cells.begin(), header.cells.end(), header.cells[i]);
    const auto earlier = static_cast<size_t>(first - header.cells.begin());
    if (header.cells[i].empty()) {
      faults.push_back({header.line, column, "the column has no name"});
    } else if (earlier < i) {
      faults.push_back({header.line, column,
                        fmt::format("'{}' is also the name of column {}", *first, earlier + 1)});
    }
  }
  return faults;
}

}  // namespace

std::string Describe(const CsvFault& fault, const std::vector<std::string>& header) {
  if (fault.column == 0) return fmt::format("line {}: {}", fault.line, fault.what);
  const auto column = static_cast<size_t>(fault.column);
  if (column > header.size()) {
    return fmt::format("line {}, column {}: {}", fault.line, fault.column, fault.what);
  }
  return fmt::format("line {}, column {} ({}): {}", fault.line, fault.column, header[column - 1],
                     fault.what);
}

void CsvReader::SkipByteOrderMark() {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  begun_ = true;
  std::string start;
  while (start.size() < kMark.size() && in_.peek() != kEof) {
    if (static_cast<char>(in_.peek()) != kMark[start.size()]) break;
    start.push_back(static_cast<char>(in_.get()));
  }
  if (start.size() == kMark.size()) {
    bytes_ += static_cast<int64_t>(start.size());
    return;
  }
  // A mark that is cut off is content, and not UTF-8.
  for (size_t i = 0; i < start.size(); ++i) in_.unget();
}

int CsvReader::Take() {
  const int c = in_.get();
  if (c == kEof) return c;
  ++bytes_;
  ++record_bytes_;
  return c;
}

std::optional<CsvRecord> CsvReader::Next() {
  if (!begun_) SkipByteOrderMark();
  while (!stopped_) {
    record_ = {};
    record_.line = line_;
    record_bytes_ = 0;
    cell_.clear();
    cell_faulty_ = false;
    State state = State::kCellStart;
    while (state != State::kEnd) {
      const int c = Take();
      if (c == kEof) {
        EndFile(state);
        break;
      }
      if (record_bytes_ > kMaxRecordBytes) {
        Stop(fmt::format("the row is longer than {} bytes; is a quote not closed?",
                         kMaxRecordBytes));
        break;
      }
      state = Step(state, static_cast<char>(c));
    }
    const bool blank =
        record_.cells.empty() || (record_.cells.size() == 1 && record_.cells[0].empty() &&
                                  record_bytes_ <= 2 && record_.faults.empty());
    if (!blank || !record_.faults.empty()) return std::exchange(record_, {});
  }
  return std::nullopt;
}

CsvReader::State CsvReader::Step(State state, char c) {
  if (state == State::kQuoted) {
    if (c == '\n') ++line_;
    if (c == kQuote) return State::kQuoteInQuoted;
    cell_.push_back(c);
    return State::kQuoted;
  }
  if (state == State::kQuoteInQuoted && c == kQuote) {
    cell_.push_back(kQuote);
    return State::kQuoted;
  }
  if (state == State::kCellStart && c == kQuote) {
    quote_line_ = line_;
    return State::kQuoted;
  }
  return StepPlain(state, c);
}

// What may follow outside of quotes.
CsvReader::State CsvReader::StepPlain(State state, char c) {
  if (c == ',') {
    EndCell();
    return State::kCellStart;
  }
  if (c == '\n') {
    EndCell();
    ++line_;
    return State::kEnd;
  }
  if (c == '\r') return StepCarriageReturn();
  if (state == State::kQuoteInQuoted) {
    AddFault("text after the closing quote; a quote within a cell is written twice");
  } else if (c == kQuote) {
    AddFault("a quote within a cell that is not quoted; quote the cell and write the quote twice");
  }
  cell_.push_back(c);
  return State::kPlain;
}

CsvReader::State CsvReader::StepCarriageReturn() {
  if (in_.peek() == '\n') {
    Take();
    EndCell();
    ++line_;
    return State::kEnd;
  }
  AddFault("a carriage return that no line feed follows; lines end with LF or CRLF");
  return State::kPlain;
}

void CsvReader::EndCell() {
  if (cell_.find('\0') != std::string::npos) {
    AddFault("holds a NUL byte; is the file UTF-16? Save it as UTF-8");
  } else if (!IsUtf8(cell_)) {
    AddFault("is not UTF-8; save the file as UTF-8");
  }
  record_.cells.push_back(std::exchange(cell_, {}));
  cell_faulty_ = false;
}

void CsvReader::EndFile(State state) {
  stopped_ = true;
  if (in_.bad()) return Stop("the file cannot be read any further");
  if (state == State::kQuoted) {
    line_ = quote_line_;
    return Stop("the quote that opens here is never closed");
  }
  if (record_bytes_ > 0) EndCell();
}

void CsvReader::AddFault(std::string what) {
  if (std::exchange(cell_faulty_, true)) return;
  record_.faults.push_back({line_, static_cast<int>(record_.cells.size()) + 1, std::move(what)});
}

void CsvReader::Stop(std::string what) {
  stopped_ = true;
  record_.fatal = true;
  cell_faulty_ = false;
  AddFault(std::move(what));
}

absl::StatusOr<CsvTable> CsvTable::Open(std::istream& in) {
  CsvTable table{CsvReader(in)};
  std::optional<CsvRecord> header = table.reader_.Next();
  if (!header) {
    return HeaderFaults({{1, 0, "the file is empty; its first line must name the columns"}});
  }
  std::vector<CsvFault> faults = std::move(header->faults);
  if (faults.empty()) faults = NameFaults(*header);
  if (!faults.empty()) return HeaderFaults(faults);
  table.header_ = std::move(header->cells);
  return table;
}

std::optional<size_t> CsvTable::Find(std::string_view column) const {
  const auto found = std::find(header_.begin(), header_.end(), column);
  if (found == header_.end()) return std::nullopt;
  return static_cast<size_t>(found - header_.begin());
}

std::optional<CsvRecord> CsvTable::Next() {
  std::optional<CsvRecord> record = reader_.Next();
  if (!record || record->fatal || record->cells.size() == header_.size()) return record;
  record->faults.push_back(
      {record->line, 0,
       fmt::format("has {} cells where the header has {}", record->cells.size(), header_.size())});
  return record;
}

}  // namespace crm::crmctl
