#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "tools/crmctl/batch_import.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/importing/import_state.h"
#include "tools/crmctl/importing/refused_rows.h"
#include "tools/crmctl/importing/row_file.h"

namespace crm::crmctl {

// One import from its first row to its summary. Not thread-safe.
//
// Invariants:
//  1. Results count in the order of the file: a row is done when it and all before it have theirs.
//  2. The state never says more than the file of refused rows holds.
class ImportRun {
 public:
  // What it borrows outlives it. FAILED_PRECONDITION: the same import is running.
  static absl::StatusOr<std::unique_ptr<ImportRun>> Make(const RpcTarget& target, Console& console,
                                                         const ImportOptions& options,
                                                         const ImportInput& input,
                                                         const ImportKind& kind, RowFile& rows);

  absl::Status Run(RpcClient& client);

 private:
  // A row whose result has not counted yet.
  struct Pending {
    std::vector<std::string> cells;
    Refusal refusal;
    // By ImportKind::outcomes; the one after the last is "refused".
    size_t outcome = 0;
    bool decided = false;
  };

  ImportRun(Console& console, const ImportOptions& options, const ImportInput& input,
            const ImportKind& kind, RowFile& rows, std::string refused_path);
  absl::Status OpenState(const std::string& path, const std::string& about);
  void TakeOver(const ImportState& found);

  std::optional<BatchImport::Item> NextItem();
  void Answered(const BatchImport::Result& result);
  static void Accept(Pending* pending, size_t outcome);
  void NoteAccepted(int64_t number, size_t outcome);
  void Refuse(Pending* pending, const std::vector<CsvFault>& faults);
  void Refuse(Pending* pending, const absl::Status& status);
  void CountDecided();
  absl::Status Save();
  void Print(const std::string& fault);
  void Note(const std::string& text);
  void Summarise(double seconds);

  Console& console_;
  const ImportOptions& options_;
  const ImportInput& input_;
  const ImportKind& kind_;
  const std::vector<std::string> outcomes_;
  RowFile& rows_;
  ProgressBar bar_;
  // Null: none is kept.
  std::unique_ptr<ImportStateFile> state_file_;
  RefusedRows refused_;
  ImportState state_;
  TimeNs saved_ = 0;
  absl::Status write_fault_;

  // Rows of the file to pass over: an earlier run has counted them.
  int64_t skip_ = 0;
  // In the file's order; the first has number state_.done.
  std::deque<Pending> pending_;
  // By BatchImport's row: its number.
  absl::flat_hash_map<int64_t, int64_t> sent_;
  int64_t faults_ = 0;
};

}  // namespace crm::crmctl
