#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/crmctl/batch_import.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/csv_reader.h"
#include "tools/crmctl/importing/row_file.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

// What every import says.
struct ImportOptions {
  // The file, or "-" for standard input.
  std::string file;
  int in_flight = 256;
  // Faults printed one by one; the rest is counted. 0 = all.
  int64_t show_faults = 20;
  // Names the import to the server; empty = that of the import of this file that broke off, else
  // `fresh_id`.
  std::string import_id;
  std::string fresh_id;
  // Where refused rows go and how far the import is; empty = beside the file, or in the current
  // directory where that cannot be written. Of standard input: nowhere.
  std::string refused;
  std::string state;
};

// What the commands of one import are, and what an answer means. Thread-safe.
class ImportKind {
 public:
  virtual ~ImportKind() = default;
  // "/crm.contact.v1.ContactService/ImportContacts".
  virtual std::string method() const = 0;
  // Names of what a command can come to, "created", …; and which of them a response tells.
  virtual std::vector<std::string> outcomes() const = 0;
  virtual size_t OutcomeOf(const std::string& response) const = 0;
  // What beside the file decides what is sent: a changed one makes another import.
  virtual std::string About() const { return ""; }
  // A row that was refused can be mended and imported alone.
  virtual bool RowsStandAlone() const { return true; }
};

// How the rows of one kind of CSV file become commands. Not thread-safe.
class RowImport : public ImportKind {
 public:
  // All faults of the columns together (INVALID_ARGUMENT). Called once, before any record.
  virtual absl::Status Open(const CsvTable& table) = 0;

  struct Row {
    std::vector<CsvFault> faults;
    // None where the record only adds to one that comes later (End).
    std::optional<BatchImport::Item> item;
  };
  virtual Row Next(const CsvRecord& record) = 0;
  // After the last record: what Next held back, one by one, then nullopt.
  virtual std::optional<BatchImport::Item> End() { return std::nullopt; }
};

// Sends every row of the file and prints what came of them. Rows that are refused are printed with
// line, column or field and reason, and written to a file of refused rows; then the answer is
// INVALID_ARGUMENT (exit code 2). An import that broke off goes on where it was: what has its
// result is not sent again, and what may have is sent with the request id it had.
absl::Status ImportFile(RpcClient& client, Console& console, const ImportOptions& options,
                        const CsvDialect& dialect, RowImport& rows);

// An input that is open.
struct ImportInput {
  // 0 where it is not known.
  int64_t bytes = 0;
  // Tells it from another file, and from itself once changed; empty for standard input.
  std::string about;
  // Of the name of the file of refused rows, ".refused.csv".
  std::string refused_suffix;
};

// Opens the file and lets `import` read it. INVALID_ARGUMENT: it cannot be read.
absl::Status WithInput(
    const std::string& file, const std::string& refused_suffix,
    const std::function<absl::Status(std::istream& in, const ImportInput& input)>& import);

// The same as ImportFile for a file that is open, of any format.
absl::Status ImportRows(RpcClient& client, Console& console, const ImportOptions& options,
                        const ImportInput& input, const ImportKind& kind, RowFile& rows);

}  // namespace crm::crmctl
