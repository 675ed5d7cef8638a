#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/kafka/broker_queries.h"
#include "common/log/log.h"

namespace crm {

// All partitions of the topics, topic by topic.
std::vector<LogPlace> PlacesOf(const std::vector<std::string>& topics);

// The identities in the first records of the places, which end at `ends`; nothing for an empty
// partition. FAILED_PRECONDITION (FIRST_RECORD): a first record is no GENESIS; DATA_LOSS
// (LOG_TRIMMED): it is not there any more.
absl::StatusOr<std::vector<std::optional<LogIdentity>>> ReadGenesis(
    BrokerQueries& queries, const std::vector<LogPlace>& places, const std::vector<Offset>& ends,
    TimeNs patience);

// The one identity of all. NOT_FOUND (TOPIC_MISSING): a partition has none; FAILED_PRECONDITION:
// they differ (LOGS_MIXED).
absl::StatusOr<LogIdentity> OneIdentity(const std::vector<LogPlace>& places,
                                        const std::vector<std::optional<LogIdentity>>& identities);

// FAILED_PRECONDITION (SECRET_MISMATCH) unless they are equal or `secret_check` is empty.
absl::Status CheckSecret(const LogIdentity& identity, const std::string& secret_check);

// The log's epoch: of the last ownership and epoch records of all partitions.
absl::StatusOr<int64_t> FindEpoch(BrokerQueries& queries, const std::vector<LogPlace>& places,
                                  const std::vector<Offset>& ends, TimeNs patience);

}  // namespace crm
