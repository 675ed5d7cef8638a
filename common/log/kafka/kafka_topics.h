#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/kafka/kafka_options.h"
#include "common/log/log.h"

namespace crm {

struct TopicCreation {
  std::vector<std::string> topics;
  // 0: three where there are as many brokers, else one.
  int replication_factor = 0;
  // Written as every partition's first record; empty: a copy brings its own first records.
  LogIdentity identity;
};

struct TopicsCreated {
  // The log's id: of the topics that were there already, or the one asked for.
  std::string log_id;
  std::vector<std::string> created;
  std::vector<std::string> already_there;
};

// Makes the topics that are missing, with the settings the log needs (DESIGN §3.1), and completes
// the genesis records: may be repeated, also after a break and by several at once; all agree on one
// log id, that of the first record of the first topic's partition 0. FAILED_PRECONDITION: a topic
// that is there has a wrong setting, or another first record; UNAVAILABLE: no broker answers.
absl::StatusOr<TopicsCreated> CreateTopics(const KafkaConnection& connection,
                                           const TopicCreation& creation);

// Settings and first records of topics that are there; errors as KafkaLogEngine::Open.
absl::Status CheckTopics(const KafkaConnection& connection, const std::vector<std::string>& topics);

}  // namespace crm
