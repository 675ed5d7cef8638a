#include "tools/crmctl/file_import.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "common/base/status.h"
#include "tools/crmctl/importing/csv_rows.h"
#include "tools/crmctl/importing/import_run.h"

namespace crm::crmctl {
namespace {

constexpr char kStandardInput[] = "-";

absl::Status InFile(const std::string& file, const absl::Status& status) {
  return Error(status.code(), ReasonOf(status),
               fmt::format("{}: {}; nothing was sent", file, std::string(status.message())));
}

// What changes when somebody edits the file.
std::string AboutFile(const std::string& file, uintmax_t bytes) {
  std::error_code unknown;
  const auto path = std::filesystem::weakly_canonical(file, unknown);
  const auto written = std::filesystem::last_write_time(file, unknown);
  return fmt::format("{} {} {}", path.string(), bytes, written.time_since_epoch().count());
}

}  // namespace

absl::Status WithInput(
    const std::string& file, const std::string& refused_suffix,
    const std::function<absl::Status(std::istream& in, const ImportInput& input)>& import) {
  if (file == kStandardInput) return import(std::cin, {0, "", refused_suffix});
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file)) {
    return Error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                 fmt::format("cannot read {}: check the path and its permissions", file));
  }
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(file, unknown);
  if (unknown) return import(in, {0, "", refused_suffix});
  return import(in, {static_cast<int64_t>(bytes), AboutFile(file, bytes), refused_suffix});
}

absl::Status ImportRows(RpcClient& client, Console& console, const ImportOptions& options,
                        const ImportInput& input, const ImportKind& kind, RowFile& rows) {
  CRM_ASSIGN_OR_RETURN(auto run,
                       ImportRun::Make(client.target(), console, options, input, kind, rows));
  return run->Run(client);
}

absl::Status ImportFile(RpcClient& client, Console& console, const ImportOptions& options,
                        const CsvDialect& dialect, RowImport& rows) {
  return WithInput(options.file, ".refused.csv", [&](std::istream& in, const ImportInput& input) {
    auto table = CsvTable::Open(in, dialect);
    if (!table.ok()) return InFile(options.file, table.status());
    if (const absl::Status status = rows.Open(*table); !status.ok()) {
      return InFile(options.file, status);
    }
    CsvRows file(*table, rows);
    return ImportRows(client, console, options, input, rows, file);
  });
}

}  // namespace crm::crmctl
