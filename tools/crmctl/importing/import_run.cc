#include "tools/crmctl/importing/import_run.h"

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr TimeNs kSaveEvery = kSecond / 2;

bool CanWrite(const std::string& path) {
  std::error_code error;
  const bool was_there = std::filesystem::exists(path, error);
  const bool can = std::ofstream(path, std::ios::binary | std::ios::app).good();
  if (can && !was_there) std::filesystem::remove(path, error);
  return can;
}

// Beside the file; in the current directory where nothing can be written there.
std::string Beside(const std::string& file, const std::string& suffix) {
  const std::string beside = file + suffix;
  if (CanWrite(beside)) return beside;
  return std::filesystem::path(file).filename().string() + suffix;
}

// What the server said of a row's fields, or of the row.
Refusal RefusalOf(const absl::Status& status) {
  Refusal refusal;
  const auto payload = status.GetPayload(kBadRequest);
  google::rpc::BadRequest bad;
  if (!payload || !bad.ParseFromString(std::string(*payload)) || bad.field_violations().empty()) {
    refusal.reason = fmt::format("{} ({})", std::string(status.message()), ReasonOf(status));
    return refusal;
  }
  for (const auto& violation : bad.field_violations()) {
    if (!refusal.fields.empty()) refusal.fields += "; ";
    refusal.fields += violation.field();
    if (!refusal.reason.empty()) refusal.reason += "; ";
    refusal.reason += violation.description();
  }
  return refusal;
}

Refusal RefusalOf(const std::vector<CsvFault>& faults, const std::vector<std::string>& header) {
  Refusal refusal;
  for (const CsvFault& fault : faults) {
    const auto column = static_cast<size_t>(fault.column);
    if (column > 0) {
      if (!refusal.fields.empty()) refusal.fields += "; ";
      refusal.fields += column <= header.size() ? header[column - 1] : std::to_string(column);
    }
    if (!refusal.reason.empty()) refusal.reason += "; ";
    refusal.reason += fault.what;
  }
  return refusal;
}

std::string Upper(std::string word) {
  for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return word;
}

}  // namespace

ImportRun::ImportRun(Console& console, const ImportOptions& options, const ImportInput& input,
                     const ImportKind& kind, RowFile& rows, std::string refused_path)
    : console_(console),
      options_(options),
      input_(input),
      kind_(kind),
      outcomes_(kind.outcomes()),
      rows_(rows),
      bar_(console, "rows"),
      refused_(std::move(refused_path), rows.RefusedHeader()) {
  state_.counts.resize(outcomes_.size());
}

absl::StatusOr<std::unique_ptr<ImportRun>> ImportRun::Make(const RpcTarget& target,
                                                           Console& console,
                                                           const ImportOptions& options,
                                                           const ImportInput& input,
                                                           const ImportKind& kind, RowFile& rows) {
  const std::string job =
      fmt::format("{}\n{}\n{}\n{}", target.address, target.tenant, kind.method(), kind.About());
  std::string refused = options.refused;
  std::string state = options.state;
  if (!input.about.empty()) {
    if (refused.empty()) refused = Beside(options.file, input.refused_suffix);
    // Imports of one file into two servers do not meet.
    const std::string suffix = "." + Hex(Hash128(job)).substr(0, 8) + ".import";
    if (state.empty()) state = Beside(options.file, suffix);
  }
  if (!kind.RowsStandAlone()) refused.clear();
  std::unique_ptr<ImportRun> run(new ImportRun(console, options, input, kind, rows, refused));
  if (!state.empty()) {
    CRM_RETURN_IF_ERROR(run->OpenState(state, fmt::format("{}\n{}", job, input.about)));
  }
  if (run->state_.id.empty()) {
    run->refused_.Resume(0);
    run->state_.id = options.import_id.empty() ? options.fresh_id : options.import_id;
  }
  return run;
}

absl::Status ImportRun::OpenState(const std::string& path, const std::string& about) {
  auto opened = ImportStateFile::Open(path, about);
  if (opened.status().code() == absl::StatusCode::kPermissionDenied && options_.state.empty()) {
    Note(std::string(opened.status().message()) +
         ". No state is kept: should the import break off, it starts over");
    return absl::OkStatus();
  }
  CRM_RETURN_IF_ERROR(opened.status());
  state_file_ = *std::move(opened);
  TakeOver(state_file_->found());
  if (state_file_->found_other()) {
    Note(
        "an earlier import broke off, of this file as it was then or with another mapping: this "
        "one starts at the first row");
  }
  return absl::OkStatus();
}

void ImportRun::TakeOver(const ImportState& found) {
  const bool mine = options_.import_id.empty() || options_.import_id == found.id;
  if (found.id.empty()) return;
  if (!mine || found.counts.size() != outcomes_.size()) return state_file_->StartOver();
  state_ = found;
  skip_ = found.done;
  // Somebody took the refused rows away: the file begins anew.
  if (!refused_.Resume(found.refused_bytes)) refused_.Resume(0);
  const int64_t rows = skip_ + static_cast<int64_t>(found.accepted.size());
  if (rows == 0) return;
  Note(fmt::format("goes on after {} rows that an earlier run has seen through",
                   WithThousands(rows)));
}

absl::Status ImportRun::Run(RpcClient& client) {
  const TimeNs begun = console_.clock.Monotonic();
  CRM_RETURN_IF_ERROR(Save());
  BatchImport::Options options;
  options.method = kind_.method();
  options.in_flight = options_.in_flight;
  options.import_id = state_.id;
  BatchImport import(client, console_.clock, options);
  absl::Status status = import.Run([this] { return NextItem(); },
                                   [this](const BatchImport::Result& r) { Answered(r); });
  bar_.Clear();
  const absl::Status saved = Save();
  if (status.ok()) status = write_fault_.ok() ? saved : write_fault_;
  if (status.ok() && state_file_ != nullptr) state_file_->Remove();
  Summarise(static_cast<double>(console_.clock.Monotonic() - begun) / kSecond);
  CRM_RETURN_IF_ERROR(status);
  return state_.refused > 0 ? InputWasBad() : absl::OkStatus();
}

std::optional<BatchImport::Item> ImportRun::NextItem() {
  while (write_fault_.ok()) {
    std::optional<RowFile::Row> row = rows_.Next();
    if (!row) return std::nullopt;
    if (skip_ > 0) {
      --skip_;
      continue;
    }
    Pending& pending = pending_.emplace_back();
    pending.cells = std::move(row->cells);
    pending.refusal.line = row->line;
    if (!row->faults.empty()) {
      Refuse(&pending, row->faults);
      CountDecided();
      continue;
    }
    const int64_t number = state_.done + static_cast<int64_t>(pending_.size()) - 1;
    if (const auto known = state_.accepted.find(number); known != state_.accepted.end()) {
      Accept(&pending, known->second);
      CountDecided();
      continue;
    }
    sent_[row->item->row] = number;
    return std::move(row->item);
  }
  return std::nullopt;
}

void ImportRun::Accept(Pending* pending, size_t outcome) {
  pending->outcome = outcome;
  pending->decided = true;
  pending->cells = {};
}

void ImportRun::NoteAccepted(int64_t number, size_t outcome) {
  if (state_file_ == nullptr || !write_fault_.ok()) return;
  write_fault_ = state_file_->NoteAccepted(number, static_cast<uint8_t>(outcome));
}

void ImportRun::Refuse(Pending* pending, const std::vector<CsvFault>& faults) {
  for (const CsvFault& fault : faults) Print(Describe(fault, rows_.header()));
  const int64_t line = pending->refusal.line;
  pending->refusal = RefusalOf(faults, rows_.header());
  pending->refusal.line = line;
  pending->outcome = outcomes_.size();
  pending->decided = true;
}

void ImportRun::Refuse(Pending* pending, const absl::Status& status) {
  const int64_t line = pending->refusal.line;
  Print(fmt::format("line {}: {}", line, DescribeError(status)));
  pending->refusal = RefusalOf(status);
  pending->refusal.line = line;
  pending->outcome = outcomes_.size();
  pending->decided = true;
}

void ImportRun::Answered(const BatchImport::Result& result) {
  const auto number = sent_.find(result.row);
  Pending& pending = pending_.at(static_cast<size_t>(number->second - state_.done));
  if (result.status.ok()) {
    const size_t outcome = kind_.OutcomeOf(result.response);
    Accept(&pending, outcome);
    // Before a later row about the same thing is sent: this one must not come after that.
    NoteAccepted(number->second, outcome);
  } else {
    Refuse(&pending, result.status);
  }
  sent_.erase(number);
  CountDecided();
  bar_.Show(state_.done, input_.bytes > 0 ? static_cast<double>(rows_.bytes()) / input_.bytes : 1);
  if (console_.clock.Monotonic() - saved_ < kSaveEvery) return;
  if (const absl::Status saved = Save(); !saved.ok()) write_fault_ = saved;
}

void ImportRun::CountDecided() {
  while (!pending_.empty() && pending_.front().decided) {
    const Pending& first = pending_.front();
    if (first.outcome < outcomes_.size()) {
      ++state_.counts[first.outcome];
    } else {
      ++state_.refused;
      refused_.Add(rows_.RefusedRow(first.cells, first.refusal));
    }
    ++state_.done;
    pending_.pop_front();
  }
}

absl::Status ImportRun::Save() {
  saved_ = console_.clock.Monotonic();
  CRM_RETURN_IF_ERROR(refused_.Flush());
  state_.refused_bytes = refused_.bytes();
  return state_file_ == nullptr ? absl::OkStatus() : state_file_->Write(state_);
}

void ImportRun::Note(const std::string& text) {
  console_.err << Printable(options_.file + ": " + text) << '\n';
}

void ImportRun::Print(const std::string& fault) {
  ++faults_;
  if (options_.show_faults > 0 && faults_ > options_.show_faults) return;
  bar_.Clear();
  Note(fault);
}

void ImportRun::Summarise(double seconds) {
  if (options_.show_faults > 0 && faults_ > options_.show_faults) {
    console_.err << fmt::format("… and {} more faults (--show-faults 0 shows all)\n",
                                WithThousands(faults_ - options_.show_faults));
  }
  if (refused_.bytes() > 0) {
    Note(fmt::format("refused rows are in {}; mend them and import that file", refused_.path()));
  }
  if (console_.json) {
    console_.out << '{';
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      console_.out << fmt::format(R"("{}":{},)", outcomes_[i], state_.counts[i]);
    }
    console_.out << fmt::format(R"("failed":{},"seconds":{:.3f}}})"
                                "\n",
                                state_.refused, seconds);
    return;
  }
  std::vector<Table::Column> columns;
  std::vector<std::string> cells;
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    columns.push_back({Upper(outcomes_[i]), Table::Align::kRight});
    cells.push_back(WithThousands(state_.counts[i]));
  }
  for (const char* heading : {"FAILED", "SECONDS"}) {
    columns.push_back({heading, Table::Align::kRight});
  }
  cells.push_back(WithThousands(state_.refused));
  cells.push_back(fmt::format("{:.1f}", seconds));
  Table table(std::move(columns));
  table.Add(std::move(cells));
  console_.out << table.ToString();
}

}  // namespace crm::crmctl
