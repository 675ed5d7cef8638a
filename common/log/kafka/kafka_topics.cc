#include "common/log/kafka/kafka_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/log/control_records.h"
#include "common/log/kafka/broker_queries.h"
#include "common/log/kafka/genesis_check.h"
#include "common/log/kafka/kafka_producer.h"
#include "common/log/kafka/topic_settings.h"

namespace crm {
namespace {

constexpr TimeNs kPatience = 10 * kSecond;

struct NewTopics {
  std::vector<rd_kafka_NewTopic_t*> all;
  ~NewTopics() { rd_kafka_NewTopic_destroy_array(all.data(), all.size()); }
};

// Answers the topics that this call made; those made by another at the same time are no error.
absl::StatusOr<std::vector<std::string>> MakeTopics(BrokerQueries& queries,
                                                    const std::vector<std::string>& missing,
                                                    int replication) {
  NewTopics topics;
  char why[512];
  for (const std::string& name : missing) {
    rd_kafka_NewTopic_t* topic =
        rd_kafka_NewTopic_new(name.c_str(), kPartitions, replication, why, sizeof why);
    if (topic == nullptr) {
      return Error(absl::StatusCode::kInvalidArgument, "TOPIC_NAME",
                   fmt::format("topic {} cannot be made: {}", name, why));
    }
    topics.all.push_back(topic);
    for (const auto& [setting, value] : SettingsForNewTopic(replication)) {
      rd_kafka_NewTopic_set_config(topic, setting.c_str(), value.c_str());
    }
  }
  const KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(queries.client()));
  const KafkaPtr<rd_kafka_AdminOptions_t> options(
      rd_kafka_AdminOptions_new(queries.client(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(
      options.get(), static_cast<int>(kPatience / kMillisecond), why, sizeof why);
  rd_kafka_AdminOptions_set_operation_timeout(
      options.get(), static_cast<int>(kPatience / kMillisecond), why, sizeof why);
  rd_kafka_CreateTopics(queries.client(), topics.all.data(), topics.all.size(), options.get(),
                        queue.get());
  const auto event = WaitForAnswer(queue.get(), kPatience + kSecond);
  if (event == nullptr) return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "make the topics");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return KafkaError(rd_kafka_event_error(event.get()), "make the topics");
  }
  std::vector<std::string> created;
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue;
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return KafkaError(error,
                        fmt::format("make topic {}", rd_kafka_topic_result_name(results[i])));
    }
    created.push_back(rd_kafka_topic_result_name(results[i]));
  }
  return created;
}

// Brokers answer before all of them know the topic.
absl::StatusOr<std::vector<TopicShape>> WaitForTopics(BrokerQueries& queries,
                                                      const std::vector<std::string>& topics) {
  const SystemClock clock;
  const TimeNs deadline = clock.Monotonic() + kPatience;
  while (true) {
    CRM_ASSIGN_OR_RETURN(auto shapes, queries.Shapes(topics, kPatience));
    const bool all = std::all_of(shapes.begin(), shapes.end(),
                                 [](const TopicShape& shape) { return shape.exists; });
    if (all) return shapes;
    if (clock.Monotonic() > deadline) {
      return KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "see the new topics");
    }
  }
}

absl::Status AppendAll(KafkaProducer& producer, const std::vector<LogPlace>& places,
                       const std::vector<std::string>& topics, const LogIdentity& identity) {
  const auto genesis = std::make_shared<const std::vector<Record>>(1, GenesisRecord(identity));
  std::vector<std::future<absl::Status>> answers;
  for (const LogPlace& place : places) {
    const size_t topic =
        static_cast<size_t>(std::find(topics.begin(), topics.end(), place.topic) - topics.begin());
    auto promise = std::make_shared<std::promise<absl::Status>>();
    answers.push_back(promise->get_future());
    CRM_RETURN_IF_ERROR(producer.Append(
        {topic, place.partition, genesis, [promise](absl::StatusOr<std::vector<Offset>> offsets) {
           promise->set_value(offsets.status());
         }}));
  }
  absl::Status all;
  for (auto& answer : answers) {
    if (absl::Status one = answer.get(); !one.ok()) all = one;
  }
  return all;
}

// Sorted, so that everybody agrees which record is the first.
class GenesisWriting {
 public:
  GenesisWriting(BrokerQueries& queries, KafkaProducer& producer, std::vector<std::string> topics)
      : queries_(queries),
        producer_(producer),
        topics_(std::move(topics)),
        places_(PlacesOf(topics_)) {}

  // The first record of the first place decides; what others wrote before decides what is written
  // there.
  absl::StatusOr<std::string> Complete(LogIdentity identity) {
    CRM_RETURN_IF_ERROR(Look());
    for (const auto& found : identities_) {
      if (!found.has_value()) continue;
      CRM_RETURN_IF_ERROR(CheckSecret(*found, identity.secret_check));
      identity = *found;
      break;
    }
    if (!identities_[0].has_value()) {
      CRM_RETURN_IF_ERROR(AppendAll(producer_, {places_[0]}, topics_, identity));
      CRM_RETURN_IF_ERROR(Look());
      identity = identities_[0].value_or(identity);
    }
    std::vector<LogPlace> empty;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (!identities_[i].has_value()) empty.push_back(places_[i]);
    }
    CRM_RETURN_IF_ERROR(AppendAll(producer_, empty, topics_, identity));
    CRM_RETURN_IF_ERROR(Look());
    CRM_ASSIGN_OR_RETURN(const LogIdentity one, OneIdentity(places_, identities_));
    return one.log_id;
  }

 private:
  absl::Status Look() {
    CRM_ASSIGN_OR_RETURN(const auto ends, queries_.Ends(places_, kPatience));
    CRM_ASSIGN_OR_RETURN(identities_, ReadGenesis(queries_, places_, ends, kPatience));
    return absl::OkStatus();
  }

  BrokerQueries& queries_;
  KafkaProducer& producer_;
  const std::vector<std::string> topics_;
  const std::vector<LogPlace> places_;
  std::vector<std::optional<LogIdentity>> identities_;
};

absl::StatusOr<std::string> CompleteGenesis(const KafkaConnection& connection,
                                            BrokerQueries& queries,
                                            const std::vector<std::string>& topics,
                                            const LogIdentity& identity) {
  KafkaProducer::Options options;
  options.connection = connection;
  std::vector<std::unique_ptr<RecordHeaders>> headers;
  for (const std::string& topic : topics) {
    headers.push_back(std::make_unique<RecordHeaders>(topic, nullptr));
    options.topics.push_back({topic, headers.back().get()});
  }
  CRM_ASSIGN_OR_RETURN(const auto producer, KafkaProducer::Start(std::move(options)));
  return GenesisWriting(queries, *producer, topics).Complete(identity);
}

}  // namespace

absl::StatusOr<TopicsCreated> CreateTopics(const KafkaConnection& connection,
                                           const TopicCreation& creation) {
  CRM_ASSIGN_OR_RETURN(const auto queries, BrokerQueries::Make(connection, nullptr));
  CRM_ASSIGN_OR_RETURN(const int brokers, queries->Brokers(kPatience));
  std::vector<std::string> topics = creation.topics;
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  CRM_ASSIGN_OR_RETURN(auto shapes, queries->Shapes(topics, kPatience));
  std::vector<std::string> missing;
  for (size_t i = 0; i < topics.size(); ++i) {
    if (!shapes[i].exists) missing.push_back(topics[i]);
  }
  TopicsCreated made;
  if (!missing.empty()) {
    const int replication =
        creation.replication_factor > 0 ? creation.replication_factor : (brokers >= 3 ? 3 : 1);
    CRM_ASSIGN_OR_RETURN(made.created, MakeTopics(*queries, missing, replication));
    CRM_ASSIGN_OR_RETURN(shapes, WaitForTopics(*queries, topics));
  }
  for (const std::string& topic : topics) {
    const bool is_new =
        std::find(made.created.begin(), made.created.end(), topic) != made.created.end();
    if (!is_new) made.already_there.push_back(topic);
  }
  CRM_RETURN_IF_ERROR(CheckTopicSettings(*queries, topics, shapes, kPatience));
  if (creation.identity.log_id.empty()) return made;
  CRM_ASSIGN_OR_RETURN(made.log_id,
                       CompleteGenesis(connection, *queries, topics, creation.identity));
  return made;
}

absl::Status CheckTopics(const KafkaConnection& connection,
                         const std::vector<std::string>& topics) {
  CRM_ASSIGN_OR_RETURN(const auto queries, BrokerQueries::Make(connection, nullptr));
  CRM_ASSIGN_OR_RETURN(const auto shapes, queries->Shapes(topics, kPatience));
  CRM_RETURN_IF_ERROR(CheckTopicSettings(*queries, topics, shapes, kPatience));
  const std::vector<LogPlace> places = PlacesOf(topics);
  CRM_ASSIGN_OR_RETURN(const auto ends, queries->Ends(places, kPatience));
  CRM_ASSIGN_OR_RETURN(const auto identities, ReadGenesis(*queries, places, ends, kPatience));
  return OneIdentity(places, identities).status();
}

}  // namespace crm
