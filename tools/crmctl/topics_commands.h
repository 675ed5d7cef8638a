#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/random.h"
#include "common/log/kafka/kafka_options.h"
#include "tools/crmctl/console.h"

namespace crm::crmctl {

struct TopicsArguments {
  KafkaConnection kafka;
  // Default: the services'.
  std::vector<std::string> topics;
  // Made where it is missing.
  std::string secret_file;
  // 0: three where there are as many brokers, else one.
  int replication_factor = 0;
};

// The services' topics as the Kafka engine opens them.
std::vector<KafkaTopic> ServedTopics();

absl::Status TopicsCreate(Console& console, Random& random, const TopicsArguments& arguments);
absl::Status TopicsCheck(Console& console, const TopicsArguments& arguments);

struct AdoptArguments {
  // "kafka://host:port,…".
  std::string to;
  // Its bootstrap is not used.
  KafkaConnection kafka;
  bool confirmed = false;
};

// Begins a new epoch in every partition of the services' topics.
absl::Status KafkaAdoptRestored(Console& console, const AdoptArguments& arguments);

}  // namespace crm::crmctl
