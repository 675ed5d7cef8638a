#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/log/kafka/broker_queries.h"

namespace crm {

// What topics are made with.
std::vector<std::pair<std::string, std::string>> SettingsForNewTopic(int replication);

// Asks the brokers for the settings of topics that are there and refuses the first that is wrong:
// FAILED_PRECONDITION (TOPIC_SETTING) names topic, setting, value and remedy.
absl::Status CheckTopicSettings(BrokerQueries& queries, const std::vector<std::string>& topics,
                                const std::vector<TopicShape>& shapes, TimeNs patience);

// Waits for the answer to a request of the admin API; null when none came in time.
KafkaPtr<rd_kafka_event_t> WaitForAnswer(rd_kafka_queue_t* queue, TimeNs patience);

}  // namespace crm
