#include "tools/crmctl/projection_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "common/base/status.h"
#include "tools/crmctl/exit_code.h"
#include "tools/crmctl/rpc_client.h"
#include "tools/crmctl/server_inspection.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

using namespace admin::v1;  // NOLINT: this file is about nothing else

constexpr TimeNs kPollEvery = 50 * kMillisecond;
constexpr auto kRight = Table::Align::kRight;

using Chosen = std::vector<std::pair<std::string, std::string>>;

// Service and projection of everything the choice names, in the server's order.
absl::StatusOr<Chosen> Choose(Inspection& inspection, const ProjectionChoice& choice) {
  CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
  Chosen chosen;
  std::vector<std::string> known;
  for (const ServiceStatus& service : status.services()) {
    for (const auto& projection : service.projections()) {
      known.push_back(service.service() + "/" + projection.projection());
      if (!choice.service.empty() && !IsOfService(service.service(), choice.service)) continue;
      if (!choice.projection.empty() && choice.projection != projection.projection()) continue;
      chosen.emplace_back(service.service(), projection.projection());
    }
  }
  if (!chosen.empty()) return chosen;
  return Error(absl::StatusCode::kInvalidArgument, "PROJECTION_NOT_KNOWN",
               fmt::format("there is no such projection; --service and --projection choose from: "
                           "{}",
                           fmt::join(known, ", ")));
}

constexpr int64_t kUnknown = -1;

// Records of the service's topic; unknown where the log cannot be reached.
int64_t EndOf(const ServiceStatus& service) {
  int64_t end = 0;
  for (const PartitionStatus& partition : service.partitions()) {
    if (partition.end_offset() < 0) return kUnknown;
    end += partition.end_offset();
  }
  return end;
}

std::string CountOrUnknown(int64_t count) {
  return count < 0 ? "unknown" : WithThousands(count);
}

// What was shown is of the others.
absl::Status AllReached(const Inspection& inspection) {
  const std::vector<std::string> unreached = inspection.Unreached();
  if (unreached.empty()) return absl::OkStatus();
  return Error(
      absl::StatusCode::kUnavailable, "SERVER_UNREACHABLE",
      fmt::format("{} did not answer; the answer is of the others", fmt::join(unreached, ", ")));
}

void ShowReactions(const GetStatusResponse& status, Console& console) {
  Table table({{"SERVICE"},
               {"REACTION"},
               {"TO"},
               {"LAG", kRight},
               {"EVENTS", kRight},
               {"COMMANDS", kRight},
               {"REFUSED", kRight},
               {"RETRIES", kRight}});
  for (const ServiceStatus& service : status.services()) {
    for (const ReactionStatus& reaction : service.reactions()) {
      table.Add({service.service(), reaction.reaction(), reaction.topic(),
                 WithThousands(reaction.lag()), WithThousands(reaction.events()),
                 WithThousands(reaction.commands()), WithThousands(reaction.refused()),
                 WithThousands(reaction.retries())});
    }
  }
  if (!table.empty()) console.out << '\n' << table.ToString();
}

// The sum of the topics' ends where everything has reached them; nothing while something lags.
std::optional<int64_t> DrainedAt(const GetStatusResponse& status) {
  int64_t ends = 0;
  for (const ServiceStatus& service : status.services()) {
    ends += EndOf(service);
    for (const auto& projection : service.projections()) {
      if (projection.lag() != 0) return std::nullopt;
    }
    for (const auto& reaction : service.reactions()) {
      if (reaction.lag() != 0) return std::nullopt;
    }
  }
  return ends;
}

}  // namespace

absl::Status WaitUntilDrained(Inspection& inspection, Console& console, TimeNs patience) {
  const TimeNs deadline = console.clock.Monotonic() + patience;
  std::optional<int64_t> drained_at;
  while (console.clock.Monotonic() < deadline) {
    CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
    const std::optional<int64_t> end = DrainedAt(status);
    if (end && end == drained_at) return absl::OkStatus();
    drained_at = end;
    Pause(kPollEvery);
  }
  return Error(absl::StatusCode::kUnavailable, "NOT_DRAINED",
               "projections or reactions have not reached the log's end; see crmctl status");
}

absl::Status ShowStatus(Inspection& inspection, Console& console) {
  CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
  if (console.json) {
    console.PrintJson(status);
    return AllReached(inspection);
  }
  Table head({{"VERSION"}, {"ENGINE"}, {"LOG"}, {"EPOCH", kRight}, {"COMMANDS"}});
  head.Add({status.version().empty() ? "-" : status.version(), status.engine(), status.log_id(),
            std::to_string(status.epoch()), status.quiesced() ? "refused (quiesced)" : "taken"});
  console.out << head.ToString() << '\n';
  Table table({{"SERVICE"},
               {"TOPIC"},
               {"PARTITIONS", kRight},
               {"OWNED", kRight},
               {"RECORDS", kRight},
               {"VOID", kRight},
               {"FOREIGN", kRight}});
  for (const ServiceStatus& service : status.services()) {
    int64_t owned = 0;
    int64_t voids = 0;
    int64_t foreign = 0;
    for (const PartitionStatus& partition : service.partitions()) {
      owned += partition.owned() ? 1 : 0;
      voids += partition.void_records();
      foreign += partition.foreign_records();
    }
    table.Add({service.service(), service.topic(), std::to_string(service.partitions_size()),
               std::to_string(owned), CountOrUnknown(EndOf(service)), WithThousands(voids),
               WithThousands(foreign)});
  }
  console.out << table.ToString();
  ShowReactions(status, console);
  return AllReached(inspection);
}

absl::Status ProjectionStatus(Inspection& inspection, Console& console) {
  CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
  Table table({{"SERVICE"},
               {"PROJECTION"},
               {"VERSION", kRight},
               {"RECORDS", kRight},
               {"READ", kRight},
               {"LAG", kRight},
               {"QUARANTINED", kRight},
               {"STATE"}});
  for (const ServiceStatus& service : status.services()) {
    if (console.json) {
      console.PrintJson(service);
      continue;
    }
    for (const auto& projection : service.projections()) {
      const int64_t read =
          std::accumulate(projection.read_to().begin(), projection.read_to().end(), int64_t{0});
      table.Add({service.service(), projection.projection(), std::to_string(projection.version()),
                 CountOrUnknown(EndOf(service)), WithThousands(read),
                 CountOrUnknown(projection.lag()), WithThousands(projection.quarantined_subjects()),
                 projection.rebuilding() ? "rebuilding"
                 : projection.lag() < 0  ? "unknown"
                 : projection.lag() > 0  ? "behind"
                                         : "ok"});
    }
  }
  if (!console.json) console.out << table.ToString();
  return absl::OkStatus();
}

absl::Status ProjectionRebuild(Inspection& inspection, Console& console,
                               const ProjectionChoice& choice) {
  CRM_ASSIGN_OR_RETURN(const Chosen chosen, Choose(inspection, choice));
  Table table(
      {{"SERVICE"}, {"PROJECTION"}, {"RECORDS", kRight}, {"EVENTS", kRight}, {"SECONDS", kRight}});
  for (const auto& [service, projection] : chosen) {
    const TimeNs begun = console.clock.Monotonic();
    RebuildProjectionRequest request;
    request.set_service(service);
    request.set_projection(projection);
    RebuildProjectionProgress last;
    ProgressBar bar(console, "records of " + service + "/" + projection);
    CRM_RETURN_IF_ERROR(
        inspection.RebuildProjection(request, [&](const RebuildProjectionProgress& now) {
          last = now;
          const auto total = static_cast<double>(std::max<int64_t>(now.records_total(), 1));
          bar.Show(now.records_read(), static_cast<double>(now.records_read()) / total);
          return true;
        }));
    bar.Clear();
    if (console.json) {
      console.PrintJson(last);
      continue;
    }
    table.Add(
        {service, projection, WithThousands(last.records_read()),
         WithThousands(last.events_folded()),
         fmt::format("{:.1f}", static_cast<double>(console.clock.Monotonic() - begun) / kSecond)});
  }
  if (!console.json) console.out << table.ToString();
  return absl::OkStatus();
}

absl::Status ProjectionVerify(Inspection& inspection, Console& console,
                              const ProjectionChoice& choice) {
  CRM_ASSIGN_OR_RETURN(const Chosen chosen, Choose(inspection, choice));
  Table table({{"SERVICE"},
               {"PROJECTION"},
               {"PARTITION", kRight},
               {"READ TO", kRight},
               {"SERVING"},
               {"REBUILT"},
               {"EQUAL"}});
  bool equal = true;
  absl::Status status;
  for (const auto& [service, projection] : chosen) {
    VerifyProjectionRequest request;
    request.set_service(service);
    request.set_projection(projection);
    status = inspection.VerifyProjection(
        request, [&, &service = service, &projection = projection](const auto& answer) {
          equal = equal && answer.equal();
          if (console.json) {
            console.PrintJson(answer);
            return true;
          }
          table.Add({service, projection, std::to_string(answer.partition()),
                     WithThousands(answer.read_to()), answer.serving_hash(), answer.rebuilt_hash(),
                     answer.equal() ? "yes" : "NO"});
          return true;
        });
    if (!status.ok()) break;
  }
  if (!table.empty()) console.out << table.ToString();
  CRM_RETURN_IF_ERROR(status);
  if (equal) return AllReached(inspection);
  console.err << "a projection differs from its log: 'crmctl projection rebuild' mends it\n";
  return AnswerIsNo();
}

absl::Status ProjectionDump(Inspection& inspection, Console& console,
                            const DumpArguments& arguments) {
  ProjectionChoice choice = arguments.choice;
  if (choice.projection.empty()) choice.projection = "core";
  CRM_ASSIGN_OR_RETURN(const Chosen chosen, Choose(inspection, choice));
  // Of replicas of one service the first.
  if (chosen.size() > 1 && choice.service.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "SERVICE_MISSING",
                 "several services have this projection; choose one with --service");
  }
  DumpProjectionRequest request;
  request.set_service(chosen[0].first);
  request.set_projection(chosen[0].second);
  request.set_hashes_only(arguments.hashes_only);
  request.set_kind(arguments.business ? DumpProjectionRequest::BUSINESS
                                      : DumpProjectionRequest::CANONICAL);
  // Equal content prints equal tables: positions are in --json only.
  Table table({{"PARTITION", kRight}, {"ROWS", kRight}, {"HASH"}});
  CRM_RETURN_IF_ERROR(inspection.DumpProjection(request, [&](const DumpProjectionResponse& answer) {
    if (console.json) {
      console.PrintJson(answer);
      return console.out.good();
    }
    for (const std::string& row : answer.rows()) console.out << Printable(row) << '\n';
    if (!answer.hash().empty()) {
      table.Add(
          {std::to_string(answer.partition()), WithThousands(answer.row_count()), answer.hash()});
    }
    return console.out.good();
  }));
  if (!console.json) console.out << table.ToString();
  return absl::OkStatus();
}

absl::Status ListDeadLetters(Inspection& inspection, Console& console, const std::string& service) {
  CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
  Table table({{"SERVICE"},
               {"TOPIC"},
               {"PARTITION", kRight},
               {"OFFSET", kRight},
               {"TENANT"},
               {"SUBJECT"},
               {"REASON"}});
  int64_t count = 0;
  bool known = service.empty();
  for (const ServiceStatus& each : status.services()) {
    if (!service.empty() && !IsOfService(each.service(), service)) continue;
    known = true;
    ListDeadLettersRequest request;
    request.set_service(each.service());
    request.set_page_size(1000);
    do {
      CRM_ASSIGN_OR_RETURN(const auto page, inspection.ListDeadLetters(request));
      count += page.dead_letters_size();
      for (const DeadLetterEntry& letter : page.dead_letters()) {
        if (console.json) {
          console.PrintJson(letter);
          continue;
        }
        // A record of somebody else's belongs to nobody.
        table.Add({each.service(), each.topic(), std::to_string(letter.partition()),
                   WithThousands(letter.offset()), letter.tenant().empty() ? "-" : letter.tenant(),
                   letter.subject().empty() ? "-" : letter.subject(), letter.reason()});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
  }
  if (!known) {
    return Error(absl::StatusCode::kInvalidArgument, "SERVICE_NOT_KNOWN",
                 "there is no such service; 'crmctl status' names those there are");
  }
  if (!table.empty()) console.out << table.ToString();
  if (count == 0 && !console.json) console.err << "no dead letters\n";
  return count == 0 ? absl::OkStatus() : AnswerIsNo();
}

absl::Status ListRefusals(Inspection& inspection, Console& console, const std::string& service) {
  CRM_ASSIGN_OR_RETURN(const GetStatusResponse status, inspection.GetStatus());
  Table table(
      {{"SERVICE"}, {"REACTION"}, {"SOURCE"}, {"TENANT"}, {"AGGREGATE"}, {"CODE"}, {"REASON"}});
  int64_t total = 0;
  for (const ServiceStatus& each : status.services()) {
    if (!service.empty() && !IsOfService(each.service(), service)) continue;
    ListReactionRefusalsRequest request;
    request.set_service(each.service());
    request.set_page_size(1000);
    CRM_ASSIGN_OR_RETURN(const auto response, inspection.ListReactionRefusals(request));
    total += response.total();
    for (const ReactionRefusalEntry& refusal : response.refusals()) {
      if (console.json) {
        console.PrintJson(refusal);
        continue;
      }
      table.Add({each.service(), refusal.reaction(),
                 fmt::format("{}/{}/{}", refusal.source_topic(), refusal.source_partition(),
                             refusal.source_offset()),
                 refusal.tenant(), refusal.aggregate(), refusal.code(), refusal.reason()});
    }
  }
  if (!table.empty()) console.out << table.ToString();
  if (!console.json) console.err << WithThousands(total) << " commands were refused\n";
  return absl::OkStatus();
}

}  // namespace crm::crmctl
