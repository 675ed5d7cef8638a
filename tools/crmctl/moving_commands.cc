#include "tools/crmctl/moving_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/status.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/moving/log_export.h"
#include "tools/crmctl/moving/log_places.h"
#include "tools/crmctl/moving/move_log.h"
#include "tools/crmctl/table.h"
#include "tools/crmctl/topics_commands.h"

namespace crm::crmctl {
namespace {

using common::v1::MovedPartition;

absl::Status Missing(const std::string& what) {
  return Error(absl::StatusCode::kInvalidArgument, "PLACE_MISSING", what);
}

LogAddress AddressOf(const std::string& text, const MoveArguments& arguments) {
  return ParseLogAddress(text.empty() ? arguments.data_directory : text,
                         {arguments.kafka, ServedTopics(), arguments.replication_factor});
}

void Print(Console& console, const std::vector<MovedPartition>& moved) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"TOPIC"}, {"PARTITION", kRight}, {"RECORDS", kRight}, {"NEW", kRight}, {"HASH"}});
  for (const MovedPartition& partition : moved) {
    if (console.json) {
      console.PrintJson(partition);
      continue;
    }
    table.Add({partition.topic(), std::to_string(partition.partition()),
               WithThousands(partition.records()), WithThousands(partition.records_added()),
               partition.hash()});
  }
  if (!table.empty()) console.out << table.ToString();
}

// Moves, and tells what was moved where.
absl::Status Move(Console& console, LogSource& source, LogDraft& draft) {
  ProgressBar bar(console, "records");
  const auto moved = MoveLog(source, draft, [&bar](const MoveProgress& now) {
    const auto total = static_cast<double>(std::max<int64_t>(1, now.records_total));
    bar.Show(now.records, static_cast<double>(now.records) / total);
  });
  bar.Clear();
  CRM_RETURN_IF_ERROR(moved.status());
  Print(console, *moved);
  int64_t records = 0;
  int64_t added = 0;
  for (const MovedPartition& partition : *moved) {
    records += partition.records();
    added += partition.records_added();
  }
  if (console.json) return absl::OkStatus();
  console.out << fmt::format(
      "Log {}, epoch {}: {} holds {} records, {} of them new. All were read back; the hashes are "
      "those of {}.\n",
      source.identity().log_id, source.identity().epoch, draft.name(), WithThousands(records),
      WithThousands(added), source.name());
  return absl::OkStatus();
}

absl::Status Check(Console& console, const std::string& directory,
                   const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) console.err << Printable(problem) << '\n';
  if (!problems.empty()) return AnswerIsNo();
  if (!console.json) console.out << "Every file in " << directory << " is as it was written.\n";
  return absl::OkStatus();
}

}  // namespace

absl::Status LogExport(Console& console, const MoveArguments& arguments) {
  if (arguments.data_directory.empty() == arguments.from.empty()) {
    return Missing("say which log: --data-dir of a stopped server, or --from kafka://HOST:PORT");
  }
  CRM_ASSIGN_OR_RETURN(const auto opened,
                       OpenLog(AddressOf(arguments.from, arguments), arguments.topics));
  ExportDraft draft(arguments.directory);
  return Move(console, opened->source(), draft);
}

absl::Status LogExportVerify(Console& console, const std::string& directory) {
  CRM_ASSIGN_OR_RETURN(const auto problems, VerifyExport(directory));
  return Check(console, directory, problems);
}

absl::Status LogImport(Console& console, const MoveArguments& arguments) {
  if (arguments.data_directory.empty() == arguments.to.empty()) {
    return Missing("say where to: --data-dir without a log, or --to kafka://HOST:PORT");
  }
  // All of it before the first record is written: what is damaged is best known at once.
  CRM_ASSIGN_OR_RETURN(const auto problems, VerifyExport(arguments.directory));
  if (!problems.empty()) return Check(console, arguments.directory, problems);
  CRM_ASSIGN_OR_RETURN(ExportSource source, ExportSource::Open(arguments.directory));
  const auto draft = MakeDraft(AddressOf(arguments.to, arguments));
  return Move(console, source, *draft);
}

absl::Status LogCopy(Console& console, const MoveArguments& arguments) {
  if (arguments.data_directory.empty() == arguments.from.empty()) {
    return Missing("say which log: --data-dir of a stopped server, or --from kafka://HOST:PORT");
  }
  CRM_ASSIGN_OR_RETURN(const auto opened,
                       OpenLog(AddressOf(arguments.from, arguments), arguments.topics));
  const auto draft = MakeDraft(AddressOf(arguments.to, arguments));
  return Move(console, opened->source(), *draft);
}

}  // namespace crm::crmctl
