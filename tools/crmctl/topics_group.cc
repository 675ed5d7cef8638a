#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/kafka_flags.h"
#include "tools/crmctl/topics_commands.h"

namespace crm::crmctl {
namespace {

constexpr char kCreateFooter[] = R"(
May be repeated: what is there is left as it is and named.

Example:
  crmctl topics create --kafka-bootstrap localhost:9092 --secret-file /etc/crm/secret)";

void AddOptions(CLI::App* command, TopicsArguments* to) {
  command->add_option("--kafka-bootstrap", to->kafka.bootstrap, "Brokers, HOST:PORT,…")
      ->envname("CRM_KAFKA_BOOTSTRAP")
      ->required();
  command->add_option("--topic", to->topics, "Only these, may repeat; default: the services'")
      ->allow_extra_args(false);
  AddKafkaConnectionOptions(command, &to->kafka);
}

}  // namespace

void AddTopicsCommands(CommandTree& tree) {
  CLI::App* topics = tree.AddGroup(&tree.app(), "topics", "Topics of the log on Kafka");
  auto* made = tree.Keep<TopicsArguments>();
  CLI::App* create =
      tree.Add(topics, "create", "Make the topics that are missing, with their settings",
               [&tree, made] { return TopicsCreate(tree.console(), tree.random(), *made); });
  create->footer(kCreateFooter);
  AddOptions(create, made);
  create
      ->add_option("--secret-file", made->secret_file,
                   "The deployment's secret; made where it is missing")
      ->envname("CRM_SECRET_FILE")
      ->required();
  create
      ->add_option("--replication-factor", made->replication_factor,
                   "Copies of each record; 0: three where there are as many brokers, else one")
      ->check(CLI::Range(0, 100));
  auto* checked = tree.Keep<TopicsArguments>();
  AddOptions(tree.Add(topics, "check", "Compare the topics' settings with what the services need",
                      [&tree, checked] { return TopicsCheck(tree.console(), *checked); }),
             checked);
}

}  // namespace crm::crmctl
