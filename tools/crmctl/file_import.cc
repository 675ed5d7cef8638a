#include "tools/crmctl/file_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "common/base/status.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

constexpr char kStandardInput[] = "-";

// One import from file to summary.
class FileImport {
 public:
  FileImport(Console& console, const ImportOptions& options, CsvTable& table, RowImport& rows,
             int64_t file_bytes)
      : console_(console),
        options_(options),
        table_(table),
        rows_(rows),
        file_bytes_(file_bytes),
        bar_(console, "rows"),
        counts_(rows.outcomes().size(), 0) {}

  absl::Status Run(RpcClient& client) {
    const TimeNs begun = console_.clock.Monotonic();
    BatchImport::Options options;
    options.method = rows_.method();
    options.in_flight = options_.in_flight;
    BatchImport import(client, console_.clock, options);
    const absl::Status status = import.Run([this] { return NextItem(); },
                                           [this](const BatchImport::Result& r) { Count(r); });
    bar_.Clear();
    Summarise(static_cast<double>(console_.clock.Monotonic() - begun) / kSecond);
    CRM_RETURN_IF_ERROR(status);
    return failed_ > 0 ? InputWasBad() : absl::OkStatus();
  }

 private:
  std::optional<BatchImport::Item> NextItem() {
    while (!ended_) {
      const std::optional<CsvRecord> record = table_.Next();
      if (!record) break;
      ended_ = record->fatal;
      if (!record->faults.empty()) {
        Fail(record->faults);
        continue;
      }
      RowImport::Row row = rows_.Next(*record);
      if (!row.faults.empty()) {
        Fail(row.faults);
      } else if (row.item) {
        return std::move(row.item);
      }
    }
    ended_ = true;
    return rows_.End();
  }

  void Count(const BatchImport::Result& result) {
    if (!result.status.ok()) {
      ++failed_;
      Print(fmt::format("line {}: {}", result.row, DescribeError(result.status)));
    } else {
      ++counts_.at(rows_.OutcomeOf(result.response));
    }
    ++answered_;
    bar_.Show(answered_, file_bytes_ > 0 ? static_cast<double>(table_.bytes()) / file_bytes_ : 1);
  }

  void Fail(const std::vector<CsvFault>& faults) {
    ++failed_;
    for (const CsvFault& fault : faults) Print(Describe(fault, table_.header()));
  }

  void Print(const std::string& fault) {
    ++faults_;
    if (options_.show_faults > 0 && faults_ > options_.show_faults) return;
    bar_.Clear();
    console_.err << Printable(options_.file + ": " + fault) << '\n';
  }

  void Summarise(double seconds) {
    if (options_.show_faults > 0 && faults_ > options_.show_faults) {
      console_.err << fmt::format("… and {} more faults (--show-faults 0 shows all)\n",
                                  WithThousands(faults_ - options_.show_faults));
    }
    const std::vector<std::string> outcomes = rows_.outcomes();
    if (console_.json) {
      console_.out << '{';
      for (size_t i = 0; i < outcomes.size(); ++i) {
        console_.out << fmt::format(R"("{}":{},)", outcomes[i], counts_[i]);
      }
      console_.out << fmt::format(R"("failed":{},"seconds":{:.3f}}})"
                                  "\n",
                                  failed_, seconds);
      return;
    }
    std::vector<Table::Column> columns;
    std::vector<std::string> cells;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      columns.push_back({Upper(outcomes[i]), Table::Align::kRight});
      cells.push_back(WithThousands(counts_[i]));
    }
    for (const char* heading : {"FAILED", "SECONDS"}) {
      columns.push_back({heading, Table::Align::kRight});
    }
    cells.push_back(WithThousands(failed_));
    cells.push_back(fmt::format("{:.1f}", seconds));
    Table table(std::move(columns));
    table.Add(std::move(cells));
    console_.out << table.ToString();
  }

  static std::string Upper(std::string word) {
    for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return word;
  }

  Console& console_;
  const ImportOptions& options_;
  CsvTable& table_;
  RowImport& rows_;
  const int64_t file_bytes_;
  ProgressBar bar_;
  // Nothing after this can be read.
  bool ended_ = false;
  // By outcome.
  std::vector<int64_t> counts_;
  int64_t answered_ = 0;
  int64_t failed_ = 0;
  int64_t faults_ = 0;
};

absl::Status InFile(const std::string& file, const absl::Status& status) {
  return Error(status.code(), ReasonOf(status),
               fmt::format("{}: {}; nothing was sent", file, std::string(status.message())));
}

absl::Status ImportStream(RpcClient& client, Console& console, const ImportOptions& options,
                          RowImport& rows, std::istream& in, int64_t bytes) {
  auto table = CsvTable::Open(in);
  if (!table.ok()) return InFile(options.file, table.status());
  if (const absl::Status status = rows.Open(*table); !status.ok()) {
    return InFile(options.file, status);
  }
  return FileImport(console, options, *table, rows, bytes).Run(client);
}

}  // namespace

absl::Status ImportFile(RpcClient& client, Console& console, const ImportOptions& options,
                        RowImport& rows) {
  if (options.file == kStandardInput) {
    return ImportStream(client, console, options, rows, std::cin, 0);
  }
  std::ifstream file(options.file, std::ios::binary);
  if (!file || std::filesystem::is_directory(options.file)) {
    return Error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                 fmt::format("cannot read {}: check the path and its permissions", options.file));
  }
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(options.file, unknown);
  return ImportStream(client, console, options, rows, file,
                      unknown ? 0 : static_cast<int64_t>(bytes));
}

}  // namespace crm::crmctl
