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
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

// What every import says.
struct ImportOptions {
  // CSV file, or "-" for standard input.
  std::string file;
  int in_flight = 256;
  // Faults printed one by one; the rest is counted. 0 = all.
  int64_t show_faults = 20;
};

// How the rows of one kind of file become commands, and what an answer means. Not thread-safe.
class RowImport {
 public:
  virtual ~RowImport() = default;

  // "/crm.contact.v1.ContactService/ImportContacts".
  virtual std::string method() const = 0;
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

  // Names of what a command can come to, "created", …; and which of them a response tells.
  virtual std::vector<std::string> outcomes() const = 0;
  virtual size_t OutcomeOf(const std::string& response) const = 0;
};

// Sends every row of the file and prints what came of them. Rows with faults are printed by line
// and column and left out; then the answer is INVALID_ARGUMENT (exit code 2).
absl::Status ImportFile(RpcClient& client, Console& console, const ImportOptions& options,
                        RowImport& rows);

}  // namespace crm::crmctl
