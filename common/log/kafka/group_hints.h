#pragma once

#include <memory>
#include <string>

#include "common/log/kafka/kafka_client.h"
#include "common/log/log_engine.h"

namespace crm {

struct GroupHintsOptions {
  // Its client id is the member's name in the group.
  KafkaConnection connection;
  std::string topic;
  std::string group;
  TimeNs session_timeout = 10 * kSecond;
  KafkaNote note;
};

// Hints from a consumer group with static membership: who is gone for the session's time-out loses
// its partitions, who restarts sooner keeps them. The consumer reads nothing. What is folded is
// committed, for tools that show lag, under the group's name with "-folded" behind it.
std::unique_ptr<OwnershipHints> MakeGroupHints(GroupHintsOptions options);

}  // namespace crm
