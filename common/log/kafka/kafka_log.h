#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/kafka/kafka_options.h"
#include "common/log/log_engine.h"

namespace crm {

// The log as topics of Apache Kafka (3.7 to 4.x, or what speaks its API). Idempotent producer,
// acks=all, no transactions: the fence lies in the log (docs/fenced-log.md). Thread-safe.
//
// Appends: what was queued while one produce was on its way forms the next. An append that failed,
// timed out or met a fatal error of the producer answers UNAVAILABLE; the producer is made anew
// behind it. Delivered without an offset (a repeat that the broker knew) answers kNoOffset: a tail
// brings the records.
//
// Tails: one consumer follows the end of every topic into memory; older records are fetched by
// consumers of their own. A record of somebody else's is read as RecordKind::kForeign with the
// reason, offsets without a record (markers of transactions) as kForeign without a value; so
// batches have no hole. Where the log was trimmed, recreated or replaced behind a tail, Poll
// answers DATA_LOSS (LOG_TRIMMED, LOG_REPLACED).
class KafkaLogEngine final : public LogEngine {
 public:
  // One attempt. Errors:
  //   UNAVAILABLE          no broker answers; try again (BROKERS_UNREACHABLE)
  //   NOT_FOUND            a topic is missing, or has no genesis record yet (TOPIC_MISSING): names
  //                        `crmctl topics create`
  //   FAILED_PRECONDITION  a setting of a topic or broker is wrong (TOPIC_SETTING, names the
  //                        setting, its value and how to mend it); the secret is not the log's
  //                        (SECRET_MISMATCH); topics belong to different logs (LOGS_MIXED)
  //   DATA_LOSS            records are missing at a topic's beginning (LOG_TRIMMED)
  //   UNAUTHENTICATED, PERMISSION_DENIED  as the brokers say
  static absl::StatusOr<std::unique_ptr<KafkaLogEngine>> Open(KafkaLogOptions options);

  // Delivers what is queued for as long as its time-out allows. Tails and hints are gone before.
  ~KafkaLogEngine() override;

  Log& Topic(std::string_view name) override;
  std::vector<std::string> topics() const override;
  const LogIdentity& identity() const override;
  bool shared() const override { return true; }
  std::unique_ptr<OwnershipHints> Hints(const std::string& topic,
                                        const std::string& group) override;
  absl::Status Verify() const override;
  absl::Status Check() override;

 private:
  struct State;
  explicit KafkaLogEngine(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace crm
