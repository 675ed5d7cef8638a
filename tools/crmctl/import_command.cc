#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "common/base/status.h"
#include "tools/crmctl/contact_commands.h"
#include "tools/crmctl/contact_import.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

using contact::v1::ImportContactsRequest;
using contact::v1::UpsertContactResponse;

// One import from file to summary.
class FileImport {
 public:
  FileImport(Console& console, const ImportArguments& arguments, CsvTable& table,
             const ContactMapping& mapping, int64_t file_bytes)
      : console_(console),
        arguments_(arguments),
        table_(table),
        mapping_(mapping),
        file_bytes_(file_bytes),
        bar_(console, "rows") {}

  absl::Status Run(RpcClient& client) {
    const TimeNs begun = console_.clock.Monotonic();
    ContactImport::Options options;
    options.in_flight = arguments_.in_flight;
    ContactImport import(client, console_.clock, options);
    const absl::Status status = import.Run([this] { return NextRow(); },
                                           [this](const ContactImport::Result& r) { Count(r); });
    bar_.Clear();
    Summarise(static_cast<double>(console_.clock.Monotonic() - begun) / kSecond);
    CRM_RETURN_IF_ERROR(status);
    return failed_ > 0 ? InputWasBad() : absl::OkStatus();
  }

 private:
  std::optional<ImportContactsRequest> NextRow() {
    while (!ended_) {
      const std::optional<CsvRecord> record = table_.Next();
      if (!record) break;
      ended_ = record->fatal;
      if (!record->faults.empty()) {
        Fail(record->faults);
        continue;
      }
      ContactMapping::Row row = mapping_.ToRequest(*record);
      if (!row.faults.empty()) {
        Fail(row.faults);
        continue;
      }
      row.request.set_request_id(fmt::format("{}-{}", arguments_.request_prefix, record->line));
      ImportContactsRequest request;
      request.set_row(record->line);
      *request.mutable_command() = std::move(row.request);
      return request;
    }
    return std::nullopt;
  }

  void Count(const ContactImport::Result& result) {
    if (!result.status.ok()) {
      ++failed_;
      Print(fmt::format("line {}: {}", result.row, DescribeError(result.status)));
    } else if (result.outcome == UpsertContactResponse::CREATED) {
      ++created_;
    } else if (result.outcome == UpsertContactResponse::UPDATED) {
      ++updated_;
    } else {
      ++unchanged_;
    }
    bar_.Show(created_ + updated_ + unchanged_ + failed_,
              file_bytes_ > 0 ? static_cast<double>(table_.bytes()) / file_bytes_ : 1);
  }

  void Fail(const std::vector<CsvFault>& faults) {
    ++failed_;
    for (const CsvFault& fault : faults) Print(Describe(fault, table_.header()));
  }

  void Print(const std::string& fault) {
    ++faults_;
    if (arguments_.show_faults > 0 && faults_ > arguments_.show_faults) return;
    bar_.Clear();
    console_.err << Printable(arguments_.file + ": " + fault) << '\n';
  }

  void Summarise(double seconds) {
    if (arguments_.show_faults > 0 && faults_ > arguments_.show_faults) {
      console_.err << fmt::format("… and {} more faults (--show-faults 0 shows all)\n",
                                  WithThousands(faults_ - arguments_.show_faults));
    }
    if (console_.json) {
      console_.out << fmt::format(
          R"({{"created":{},"updated":{},"unchanged":{},"failed":{},"seconds":{:.3f}}})"
          "\n",
          created_, updated_, unchanged_, failed_, seconds);
      return;
    }
    constexpr auto kRight = Table::Align::kRight;
    Table table({{"CREATED", kRight},
                 {"UPDATED", kRight},
                 {"UNCHANGED", kRight},
                 {"FAILED", kRight},
                 {"SECONDS", kRight}});
    table.Add({WithThousands(created_), WithThousands(updated_), WithThousands(unchanged_),
               WithThousands(failed_), fmt::format("{:.1f}", seconds)});
    console_.out << table.ToString();
  }

  Console& console_;
  const ImportArguments& arguments_;
  CsvTable& table_;
  const ContactMapping& mapping_;
  const int64_t file_bytes_;
  ProgressBar bar_;
  // Nothing after this can be read.
  bool ended_ = false;
  int64_t created_ = 0;
  int64_t updated_ = 0;
  int64_t unchanged_ = 0;
  int64_t failed_ = 0;
  int64_t faults_ = 0;
};

absl::Status InFile(const std::string& file, const absl::Status& status) {
  return Error(status.code(), ReasonOf(status),
               fmt::format("{}: {}; nothing was sent", file, std::string(status.message())));
}

}  // namespace

absl::Status ImportContacts(RpcClient& client, Console& console, const ImportArguments& arguments) {
  std::ifstream file(arguments.file, std::ios::binary);
  if (!file || std::filesystem::is_directory(arguments.file)) {
    return Error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                 fmt::format("cannot read {}: check the path and its permissions", arguments.file));
  }
  auto table = CsvTable::Open(file);
  if (!table.ok()) return InFile(arguments.file, table.status());
  const auto mapping = ContactMapping::Make(arguments.columns, *table);
  if (!mapping.ok()) return InFile(arguments.file, mapping.status());
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(arguments.file, unknown);
  FileImport import(console, arguments, *table, *mapping,
                    unknown ? 0 : static_cast<int64_t>(bytes));
  return import.Run(client);
}

}  // namespace crm::crmctl
