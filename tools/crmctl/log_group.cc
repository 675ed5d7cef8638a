#include "common/base/status.h"
#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/kafka_flags.h"
#include "tools/crmctl/log_commands.h"
#include "tools/crmctl/projection_commands.h"
#include "tools/crmctl/server_inspection.h"
#include "tools/crmctl/topics_commands.h"

namespace crm::crmctl {
namespace {

constexpr char kLogFooter[] = R"(
Examples:
  crmctl log cat --valid --limit 20
  crmctl log cat --partition 3 --from 1000 --json
  crmctl log tail --key default/contacts/c4tn3o6q2b5xj7y4e2zk6m3wqla)";

constexpr char kDumpFooter[] = R"(
Equal content has equal hashes. A business dump leaves out versions, positions, event ids and
recorded times: it compares histories that should mean the same.

Examples:
  crmctl projection dump --business --hashes
  crmctl projection dump --projection core > rows.txt)";

constexpr char kAdoptFooter[] = R"(
After a log was restored from an older copy, projections and callers may know events that the log
has lost; the server refuses to start on it. This sets the projections aside, to be built anew at
the next start, and begins a new epoch: position tokens and cursors from before are no longer valid.

Example:
  crmctl log adopt-restored --data-dir /var/lib/crm --yes
  crmctl log adopt-restored --to kafka://localhost:9092 --yes)";

void AddLogOptions(CLI::App* command, LogArguments* to) {
  command->footer(kLogFooter);
  command->add_option("--topic", to->topic, "Topic; not needed where there is one");
  command->add_option("--partition", to->partitions, "Only these, may repeat")
      ->check(CLI::Range(0, kPartitions - 1))
      ->allow_extra_args(false);
  command
      ->add_option_function<int64_t>(
          "--from",
          [to](const int64_t& from) {
            to->from = from;
            to->from_given = true;
          },
          "First offset of each partition")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--valid", to->valid_only, "Only events that every reader applies");
  command->add_option("--key", to->key, "Only records with this key, TENANT/SUBJECT");
  command->add_option("--limit", to->limit, "End after so many records; 0 = no limit")
      ->check(CLI::NonNegativeNumber);
}

void AddProjectionOptions(CLI::App* command, ProjectionChoice* choice) {
  command->add_option("--service", choice->service, "Only of this service");
  command->add_option("--projection", choice->projection, "Only this one: core, or a view's name");
}

}  // namespace

void AddLogCommands(CommandTree& tree) {
  CLI::App* log = tree.AddGroup(&tree.app(), "log", "Read and check the log");
  auto* which = tree.Keep<LogArguments>();
  AddLogOptions(tree.Add(log, "cat", "Records as they lie in the log, without personal fields",
                         [&tree, which] {
                           return tree.Inspecting([&](Inspection& inspection) {
                             return LogCat(inspection, tree.console(), *which);
                           });
                         }),
                which);
  AddLogOptions(tree.AddCall(log, "tail", "Records as they come, until Ctrl-C",
                             [which](RpcClient& client, Console& console) {
                               ServerInspection server(client);
                               return LogTail(server, console, *which);
                             }),
                which);
  auto* topic = tree.Keep<std::string>();
  tree.Add(log, "verify", "Read every record: checksums, order, fences, decoding",
           [&tree, topic] {
             return tree.Inspecting([&](Inspection& inspection) {
               return LogVerify(inspection, tree.console(), *topic);
             });
           })
      ->add_option("--topic", *topic, "Default: all");
  auto* adopted = tree.Keep<AdoptArguments>();
  CLI::App* adopt =
      tree.Add(log, "adopt-restored", "Declare that the log was restored from an older copy",
               [&tree, adopted] {
                 CRM_RETURN_IF_ERROR(CheckConfirmed(adopted->confirmed));
                 if (!adopted->to.empty()) return KafkaAdoptRestored(tree.console(), *adopted);
                 return tree.WithFiles([&](FileInspection& files) {
                   return LogAdoptRestored(files, tree.console());
                 });
               });
  adopt->footer(kAdoptFooter);
  adopt->add_flag("--yes", adopted->confirmed, "Do it");
  adopt->add_option("--to", adopted->to, "kafka://HOST:PORT,… instead of --data-dir");
  AddKafkaConnectionOptions(adopt, &adopted->kafka);
  AddMovingCommands(tree, log);
}

void AddProjectionCommands(CommandTree& tree) {
  CLI::App* projection =
      tree.AddGroup(&tree.app(), "projection", "Look after what is folded from the log");
  tree.Add(projection, "status", "How far each projection is", [&tree] {
    return tree.Inspecting([&](Inspection& i) { return ProjectionStatus(i, tree.console()); });
  });
  auto* choice = tree.Keep<ProjectionChoice>();
  AddProjectionOptions(tree.Add(projection, "rebuild", "Build anew from the log, then serve it",
                                [&tree, choice] {
                                  return tree.Inspecting([&](Inspection& i) {
                                    return ProjectionRebuild(i, tree.console(), *choice);
                                  });
                                }),
                       choice);
  AddProjectionOptions(tree.Add(projection, "verify", "Fold the log anew and compare",
                                [&tree, choice] {
                                  return tree.Inspecting([&](Inspection& i) {
                                    return ProjectionVerify(i, tree.console(), *choice);
                                  });
                                }),
                       choice);
  auto* to = tree.Keep<DumpArguments>();
  CLI::App* dump =
      tree.Add(projection, "dump", "Rows of one projection as text, and their hashes", [&tree, to] {
        return tree.Inspecting(
            [&](Inspection& i) { return ProjectionDump(i, tree.console(), *to); });
      });
  dump->footer(kDumpFooter);
  AddProjectionOptions(dump, &to->choice);
  dump->add_flag("--business", to->business, "What the rows mean, not their bytes");
  dump->add_flag("--hashes", to->hashes_only, "Only the hashes");
}

void AddStatusCommands(CommandTree& tree) {
  tree.Add(&tree.app(), "status", "What runs, over which log", [&tree] {
    return tree.Inspecting([&](Inspection& i) { return ShowStatus(i, tree.console()); });
  });
  auto* seconds = tree.Keep<double>(60);
  tree.AddCall(&tree.app(), "wait", "Until all projections and reactions are at the log's end",
               [seconds](RpcClient& client, Console& console) {
                 ServerInspection server(client);
                 return WaitUntilDrained(server, console, static_cast<TimeNs>(*seconds * kSecond));
               })
      ->add_option("--seconds", *seconds, "At most")
      ->capture_default_str();
  CLI::App* letters = tree.AddGroup(&tree.app(), "dead-letters",
                                    "Records that could not be folded, or are somebody else's");
  letters->alias("dlq");
  auto* service = tree.Keep<std::string>();
  tree.Add(letters, "list", "List them; exit code 1 where there are some",
           [&tree, service] {
             return tree.Inspecting([&](Inspection& inspection) {
               return ListDeadLetters(inspection, tree.console(), *service);
             });
           })
      ->add_option("--service", *service, "Only of this service");
  auto* refused_by = tree.Keep<std::string>();
  tree.Add(&tree.app(), "refusals", "Commands of reactions that were refused",
           [&tree, refused_by] {
             return tree.Inspecting([&](Inspection& inspection) {
               return ListRefusals(inspection, tree.console(), *refused_by);
             });
           })
      ->add_option("--service", *refused_by, "Only of this service");
}

}  // namespace crm::crmctl
