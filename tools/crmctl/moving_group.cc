#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/kafka_flags.h"
#include "tools/crmctl/moving_commands.h"

namespace crm::crmctl {
namespace {

constexpr char kExportFooter[] = R"(
The directory can be exported to again: only what the log has gained since is written. An export
that was broken off goes on where it was.

Examples:
  crmctl log export /backup/crm --data-dir /var/lib/crm
  crmctl log export /backup/crm --verify)";

constexpr char kImportFooter[] = R"(
Records lie at the same offsets as before: ids, position tokens and projections stay valid. After a
restore from an older copy run 'crmctl log adopt-restored' too.

Example:
  crmctl log import /backup/crm --data-dir /var/lib/crm)";

constexpr char kCopyFooter[] = R"(
Broken off, it goes on at the next run, once what is there was compared.

Examples:
  crmctl log copy --data-dir /var/lib/crm --to kafka://localhost:9092
  crmctl log copy --from kafka://localhost:9092 --to /var/lib/crm)";

void AddFromOptions(CLI::App* command, MoveArguments* to) {
  command->add_option("--from", to->from, "kafka://HOST:PORT,… instead of --data-dir");
  command->add_option("--topic", to->topics, "Only these, may repeat; default: all")
      ->allow_extra_args(false);
}

void AddTargetOptions(CLI::App* command, MoveArguments* to) {
  command
      ->add_option("--replication-factor", to->replication_factor,
                   "Of topics that are made: copies of each record; 0: three where there are as "
                   "many brokers, else one")
      ->check(CLI::Range(0, 100));
  AddKafkaConnectionOptions(command, &to->kafka);
}

}  // namespace

void AddMovingCommands(CommandTree& tree, CLI::App* log) {
  auto* out = tree.Keep<MoveArguments>();
  auto* verify = tree.Keep<bool>();
  CLI::App* exports =
      tree.Add(log, "export", "Write the whole log into files, for backup and for moving",
               [&tree, out, verify] {
                 if (*verify) return LogExportVerify(tree.console(), out->directory);
                 out->data_directory = tree.data_directory();
                 return LogExport(tree.console(), *out);
               });
  exports->footer(kExportFooter);
  exports->add_option("DIR", out->directory, "Directory of the export")->required();
  exports->add_flag("--verify", *verify, "Only read what is there and check every checksum");
  AddFromOptions(exports, out);
  AddKafkaConnectionOptions(exports, &out->kafka);

  auto* in = tree.Keep<MoveArguments>();
  CLI::App* imports = tree.Add(log, "import", "Make a log of an export's files", [&tree, in] {
    in->data_directory = tree.data_directory();
    return LogImport(tree.console(), *in);
  });
  imports->footer(kImportFooter);
  imports->add_option("DIR", in->directory, "Directory of the export")->required();
  imports->add_option("--to", in->to, "kafka://HOST:PORT,… instead of --data-dir");
  AddTargetOptions(imports, in);

  auto* copied = tree.Keep<MoveArguments>();
  CLI::App* copy =
      tree.Add(log, "copy", "Copy the log to another engine, offset for offset", [&tree, copied] {
        copied->data_directory = tree.data_directory();
        return LogCopy(tree.console(), *copied);
      });
  copy->footer(kCopyFooter);
  AddFromOptions(copy, copied);
  copy->add_option("--to", copied->to, "kafka://HOST:PORT,…, or a data directory without a log")
      ->required();
  AddTargetOptions(copy, copied);
}

}  // namespace crm::crmctl
