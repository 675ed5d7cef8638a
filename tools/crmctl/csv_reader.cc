#include "tools/crmctl/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm::crmctl {
namespace {

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

std::string ToCsvLine(const std::vector<std::string>& cells, const CsvDialect& dialect) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += dialect.delimiter;
    const std::string& cell = cells[i];
    const bool plain = cell.find_first_of("\r\n") == std::string::npos &&
                       cell.find(dialect.delimiter.front()) == std::string::npos &&
                       (!dialect.quote || cell.find(*dialect.quote) == std::string::npos);
    if (plain || !dialect.quote) {
      line += cell;
      continue;
    }
    line += *dialect.quote;
    for (const char c : cell) line.append(c == *dialect.quote ? 2 : 1, c);
    line += *dialect.quote;
  }
  return line + '\n';
}

CsvReader::CsvReader(std::istream& in, CsvDialect dialect)
    : source_(in, dialect.encoding), dialect_(std::move(dialect)) {
  const auto mark = [](std::array<bool, 256>& table, char c) {
    table[static_cast<uint8_t>(c)] = true;
  };
  for (const char c : {'\n', '\r', dialect_.delimiter.front()}) mark(special_, c);
  mark(special_in_quotes_, '\n');
  if (!dialect_.quote) return;
  mark(special_, *dialect_.quote);
  mark(special_in_quotes_, *dialect_.quote);
}

// Whether so much text follows, which is in view then.
bool CsvReader::Ahead(size_t count) {
  while (text_.size() - at_ < count && !exhausted_) {
    const std::string_view block = source_.Next();
    exhausted_ = block.empty();
    text_.erase(0, std::exchange(at_, 0));
    text_ += block;
  }
  return text_.size() - at_ >= count;
}

bool CsvReader::IsAhead(std::string_view text) {
  return Ahead(text.size()) && std::string_view(text_).substr(at_, text.size()) == text;
}

void CsvReader::Keep(size_t count) {
  if (!too_long_) cell_.append(text_, at_, count);
  Skip(count);
}

void CsvReader::Skip(size_t count) {
  at_ += count;
  record_bytes_ += count;
  if (too_long_ || record_bytes_ <= kMaxRecordBytes) return;
  too_long_ = true;
  record_.cells.clear();
  record_.faults.clear();
  cell_.clear();
}

void CsvReader::TakeRun(const std::array<bool, 256>& special) {
  size_t end = at_;
  while (end < text_.size() && !special[static_cast<uint8_t>(text_[end])]) ++end;
  Keep(end - at_);
}

std::optional<CsvRecord> CsvReader::Next() {
  while (!stopped_) {
    record_ = {};
    record_.line = line_;
    record_bytes_ = 0;
    too_long_ = false;
    cell_.clear();
    cell_faulty_ = false;
    ReadRecord();
    const bool blank = record_.cells.empty() || (record_.cells.size() == 1 &&
                                                 record_.cells[0].empty() && record_bytes_ <= 2);
    if (!blank || !record_.faults.empty()) return std::exchange(record_, {});
  }
  return std::nullopt;
}

void CsvReader::ReadRecord() {
  State state = State::kCellStart;
  while (state != State::kEnd) {
    if (!Ahead(1)) {
      EndFile(state);
      break;
    }
    if (state == State::kPlain) TakeRun(special_);
    if (state == State::kQuoted) TakeRun(special_in_quotes_);
    if (at_ < text_.size()) state = Step(state);
  }
  if (!too_long_ || record_.fatal) return;
  record_.cells.clear();
  record_.faults = {{record_.line, 0, fmt::format("is longer than {} bytes", kMaxRecordBytes)}};
}

CsvReader::State CsvReader::Step(State state) {
  const char c = text_[at_];
  if (state == State::kLost) return StepLost();
  if (state == State::kQuoted) {
    if (IsQuote(c)) {
      Skip(1);
      return State::kQuoteInQuoted;
    }
    if (c == '\n') ++line_;
    Keep(1);
    return State::kQuoted;
  }
  if (state == State::kQuoteInQuoted && IsQuote(c)) {
    Keep(1);
    return State::kQuoted;
  }
  if (state == State::kCellStart && IsQuote(c)) {
    quote_line_ = line_;
    Skip(1);
    return State::kQuoted;
  }
  return StepPlain(state);
}

// What may follow outside of quotes.
CsvReader::State CsvReader::StepPlain(State state) {
  const char c = text_[at_];
  if (c == '\n') return EndRow(1);
  if (c == '\r') return StepCarriageReturn();
  if (IsAhead(dialect_.delimiter)) {
    Skip(dialect_.delimiter.size());
    EndCell();
    return State::kCellStart;
  }
  if (state == State::kQuoteInQuoted) {
    AddFault("text after the closing quote; a quote within a cell is written twice");
    if (too_long_) return State::kLost;
  } else if (IsQuote(c)) {
    AddFault("a quote within a cell that is not quoted; quote the cell and write the quote twice");
  }
  Keep(1);
  return State::kPlain;
}

CsvReader::State CsvReader::StepCarriageReturn() {
  if (IsAhead("\r\n")) return EndRow(2);
  AddFault("a carriage return that no line feed follows; lines end with LF or CRLF");
  Skip(1);
  return State::kPlain;
}

CsvReader::State CsvReader::StepLost() {
  const size_t line_end = text_.find('\n', at_);
  if (line_end != std::string::npos) return EndRow(line_end + 1 - at_);
  Skip(text_.size() - at_);
  return State::kLost;
}

CsvReader::State CsvReader::EndRow(size_t line_end) {
  Skip(line_end);
  EndCell();
  ++line_;
  return State::kEnd;
}

void CsvReader::EndCell() {
  if (too_long_) return;
  if (cell_.find('\0') != std::string::npos) {
    AddFault("holds a NUL byte; is the file UTF-16? Say so: encoding = utf-16le in a mapping file");
  } else if (!IsUtf8(cell_)) {
    const std::string_view encoding = NameOf(source_.encoding());
    AddFault(fmt::format("is not {}; name the file's encoding in a mapping file",
                         encoding == "utf-8" ? "UTF-8" : encoding));
  }
  record_.cells.push_back(std::exchange(cell_, {}));
  cell_faulty_ = false;
}

void CsvReader::EndFile(State state) {
  stopped_ = true;
  if (source_.broken()) return Stop("the file cannot be read any further");
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

absl::StatusOr<CsvTable> CsvTable::Open(std::istream& in, const CsvDialect& dialect) {
  CsvTable table{CsvReader(in, dialect)};
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
  if (record->cells.empty()) return record;
  record->faults.push_back(
      {record->line, 0,
       fmt::format("has {} cells where the header has {}", record->cells.size(), header_.size())});
  return record;
}

}  // namespace crm::crmctl
