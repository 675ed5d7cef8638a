#include "tools/crmctl/topics_commands.h"

#include <fmt/format.h>

#include <future>

#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/log/control_records.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/kafka_topics.h"
#include "common/storage/files.h"
#include "tools/crmctl/moving/log_places.h"
#include "tools/crmctl/served_services.h"
#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

std::vector<std::string> NamesOf(const TopicsArguments& arguments) {
  if (!arguments.topics.empty()) return arguments.topics;
  std::vector<std::string> names;
  for (const KafkaTopic& topic : ServedTopics()) names.push_back(topic.name);
  return names;
}

std::string JsonList(const std::vector<std::string>& names) {
  return names.empty() ? "[]" : fmt::format("[\"{}\"]", fmt::join(names, "\",\""));
}

void Print(Console& console, const TopicsCreated& answer) {
  if (console.json) {
    console.out << fmt::format("{{\"logId\":\"{}\",\"created\":{},\"alreadyThere\":{}}}\n",
                               answer.log_id, JsonList(answer.created),
                               JsonList(answer.already_there));
    return;
  }
  for (const std::string& topic : answer.created) console.out << "Made " << topic << '\n';
  for (const std::string& topic : answer.already_there) {
    console.out << "There already: " << topic << '\n';
  }
  console.out << "Log " << answer.log_id << '\n';
}

absl::Status AppendEpoch(Log& log, Partition partition, int64_t number) {
  auto appended = std::make_shared<std::promise<absl::Status>>();
  auto outcome = appended->get_future();
  CRM_RETURN_IF_ERROR(
      log.Append(partition, std::make_shared<const std::vector<Record>>(1, EpochRecord(number)),
                 [appended](const absl::StatusOr<std::vector<Offset>>& offsets) {
                   appended->set_value(offsets.status());
                 }));
  return outcome.get();
}

}  // namespace

std::vector<KafkaTopic> ServedTopics() {
  std::vector<KafkaTopic> topics;
  for (const ServiceDefinition& service : ServedServices()) {
    topics.push_back({service.topic, service.record});
  }
  return topics;
}

absl::Status TopicsCreate(Console& console, Random& random, const TopicsArguments& arguments) {
  const bool secret_is_new = !FileExists(arguments.secret_file);
  CRM_ASSIGN_OR_RETURN(const Secret secret, Secret::FromFile(arguments.secret_file, &random));
  if (secret_is_new) {
    console.err << "Made the secret file " << Printable(arguments.secret_file)
                << ": every process of this log needs it, and a backup without it is worth "
                   "nothing. Keep a copy of it.\n";
  }
  TopicCreation creation;
  creation.topics = NamesOf(arguments);
  creation.replication_factor = arguments.replication_factor;
  creation.identity.log_id = random.Uuid();
  creation.identity.secret_check = secret.CheckValue();
  CRM_ASSIGN_OR_RETURN(const TopicsCreated answer, CreateTopics(arguments.kafka, creation));
  Print(console, answer);
  return absl::OkStatus();
}

absl::Status TopicsCheck(Console& console, const TopicsArguments& arguments) {
  const std::vector<std::string> names = NamesOf(arguments);
  CRM_RETURN_IF_ERROR(CheckTopics(arguments.kafka, names));
  if (console.json) {
    console.out << fmt::format("{{\"sound\":{}}}\n", JsonList(names));
  } else {
    console.out << fmt::format("{} are as the services need them.\n", fmt::join(names, ", "));
  }
  return absl::OkStatus();
}

absl::Status KafkaAdoptRestored(Console& console, const AdoptArguments& arguments) {
  KafkaLogOptions options;
  options.connection = ParseLogAddress(arguments.to, {arguments.kafka}).kafka.connection;
  if (options.connection.bootstrap.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "PLACE_MISSING",
                 "--to takes kafka://HOST:PORT; a log in files is named by --data-dir");
  }
  options.topics = ServedTopics();
  CRM_ASSIGN_OR_RETURN(const auto engine, KafkaLogEngine::Open(std::move(options)));
  const int64_t number = engine->identity().epoch + 1;
  for (const std::string& topic : engine->topics()) {
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_RETURN_IF_ERROR(AppendEpoch(engine->Topic(topic), p, number));
    }
  }
  if (console.json) {
    console.out << fmt::format("{{\"epoch\":{}}}\n", number);
    return absl::OkStatus();
  }
  console.out << fmt::format(
      "The log is in epoch {} now. Every replica builds its projections anew at its next start. "
      "Position tokens and cursors handed out before the restore are no longer valid: callers that "
      "hold one are answered OUT_OF_RANGE and read again from the start.\n",
      number);
  return absl::OkStatus();
}

}  // namespace crm::crmctl
