#include "tools/crmctl/log_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/base/status.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

using namespace admin::v1;  // NOLINT: this file is about nothing else

const ServiceStatus* FindTopic(const GetStatusResponse& status, const std::string& topic) {
  const auto found =
      std::find_if(status.services().begin(), status.services().end(),
                   [&](const ServiceStatus& service) { return service.topic() == topic; });
  return found == status.services().end() ? nullptr : &*found;
}

absl::StatusOr<std::string> ChooseTopic(const GetStatusResponse& status, const std::string& asked) {
  if (!asked.empty()) return asked;
  // Replicas of a service have the same.
  std::set<std::string> topics;
  for (const ServiceStatus& service : status.services()) topics.insert(service.topic());
  if (topics.size() == 1) return *topics.begin();
  return Error(absl::StatusCode::kInvalidArgument, "TOPIC_MISSING",
               fmt::format("choose one with --topic: {}", fmt::join(topics, ", ")));
}

ReadLogRequest RequestOf(const LogArguments& arguments, const std::string& topic) {
  ReadLogRequest request;
  request.set_topic(topic);
  for (const int partition : arguments.partitions) request.add_partitions(partition);
  request.set_from_offset(arguments.from);
  request.set_valid_only(arguments.valid_only);
  request.set_limit(arguments.limit);
  request.set_key(arguments.key);
  return request;
}

// Widths that hold without knowing what follows; a tail cannot wait to align.
void PrintEntry(const Console& console, const LogEntry& entry) {
  if (console.json) {
    console.PrintJson(entry);
    return;
  }
  const size_t dot = entry.event_type().rfind('.');
  const std::string type = entry.kind() == "event"
                               ? entry.event_type().substr(dot == std::string::npos ? 0 : dot + 1)
                               : entry.kind();
  std::string line = fmt::format("{:>2}:{:<8} {:<24} {:<24}", entry.partition(), entry.offset(),
                                 type.empty() ? "event" : type, TimeText(entry, "recorded_time"));
  if (!entry.key().empty()) line += fmt::format(" {} v{}", entry.key(), entry.aggregate_version());
  if (!entry.valid()) line += " VOID: " + entry.void_reason();
  if (!entry.text().empty()) line += "  " + entry.text();
  console.out << Printable(line) << '\n';
}

}  // namespace

absl::Status LogCat(Inspection& inspection, Console& console, const LogArguments& arguments) {
  CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
  CRM_ASSIGN_OR_RETURN(const std::string topic, ChooseTopic(status, arguments.topic));
  return inspection.ReadLog(RequestOf(arguments, topic), [&](const LogEntry& entry) {
    PrintEntry(console, entry);
    return console.out.good();
  });
}

absl::Status LogTail(Inspection& inspection, Console& console, const LogArguments& arguments) {
  CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
  CRM_ASSIGN_OR_RETURN(const std::string topic, ChooseTopic(status, arguments.topic));
  // Every partition has an end of its own; the request knows one offset only.
  std::vector<int64_t> from(kPartitions, arguments.from);
  const ServiceStatus* service = FindTopic(status, topic);
  for (int i = 0; service != nullptr && !arguments.from_given && i < service->partitions_size();
       ++i) {
    const PartitionStatus& partition = service->partitions(i);
    if (partition.end_offset() < 0) {
      return Error(absl::StatusCode::kUnavailable, "LOG_UNREACHABLE",
                   "the log does not tell where it ends; is a broker away? Retry later, or give "
                   "--from");
    }
    from.at(static_cast<size_t>(partition.partition())) = partition.end_offset();
  }
  ReadLogRequest request = RequestOf(arguments, topic);
  request.set_follow(true);
  request.set_limit(0);
  request.set_from_offset(*std::min_element(from.begin(), from.end()));
  int64_t printed = 0;
  return inspection.ReadLog(request, [&](const LogEntry& entry) {
    if (entry.offset() < from.at(static_cast<size_t>(entry.partition()))) return true;
    PrintEntry(console, entry);
    console.out.flush();
    return console.out.good() && ++printed != arguments.limit;
  });
}

absl::Status LogVerify(Inspection& inspection, Console& console, const std::string& topic) {
  constexpr auto kRight = Table::Align::kRight;
  Table table({{"TOPIC"},
               {"PARTITION", kRight},
               {"RECORDS", kRight},
               {"EVENTS", kRight},
               {"VOID", kRight},
               {"UNDECODABLE", kRight},
               {"HASH"},
               {"PROBLEM"}});
  bool sound = true;
  VerifyLogRequest request;
  request.set_topic(topic);
  const absl::Status status = inspection.VerifyLog(request, [&](const VerifyLogResponse& answer) {
    sound = sound && answer.problem().empty() && answer.undecodable() == 0;
    if (console.json) {
      console.PrintJson(answer);
      return true;
    }
    table.Add({answer.topic(), std::to_string(answer.partition()), WithThousands(answer.records()),
               WithThousands(answer.events()), WithThousands(answer.void_records()),
               WithThousands(answer.undecodable()), answer.hash(),
               answer.problem().empty() ? "-" : answer.problem()});
    return true;
  });
  if (!table.empty()) console.out << table.ToString();
  CRM_RETURN_IF_ERROR(status);
  if (sound) return absl::OkStatus();
  console.err << "the log is damaged: keep a copy of it as it is, then restore one from before\n";
  return AnswerIsNo();
}

absl::Status CheckConfirmed(bool confirmed) {
  if (confirmed) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "NOT_CONFIRMED",
               "this declares that the log was restored from an older copy: its projections are "
               "set aside and built anew at the next start, a new epoch of the log begins, and "
               "position tokens and cursors handed out before it are no longer accepted. Nothing "
               "was done; repeat with --yes");
}

absl::Status LogAdoptRestored(FileInspection& files, Console& console) {
  CRM_ASSIGN_OR_RETURN(const FileInspection::Adopted adopted, files.AdoptRestored());
  if (console.json) {
    console.out << fmt::format("{{\"epoch\":{},\"projectionsSetAside\":{}}}\n", adopted.epoch,
                               adopted.set_aside.size());
    return absl::OkStatus();
  }
  console.out << fmt::format("The log is in epoch {} now.\n", adopted.epoch);
  for (const std::string& where : adopted.set_aside) {
    console.out << "Set aside: " << where << '\n';
  }
  console.out << "The next start builds the projections anew from the log. Position tokens and "
                 "cursors handed out before the restore are no longer valid: callers that hold one "
                 "are answered OUT_OF_RANGE and read again from the start.\n";
  return absl::OkStatus();
}

}  // namespace crm::crmctl
