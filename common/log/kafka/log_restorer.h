#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/kafka/kafka_options.h"
#include "common/log/record.h"

namespace crm {

// Fills topics that are there with the records of a log that lies elsewhere, at the offsets they
// have there, and reads them back from the brokers. For tools, while nobody else writes to the
// topics. Not thread-safe.
//
// RecordKind::kForeign is written as a record of that kind: read again it is the same, with its
// reason, and void for every reader. Other records are written as the engine writes them.
class KafkaLogRestorer {
 public:
  struct Options {
    KafkaConnection connection;
    std::vector<KafkaTopic> topics;
    // Stands in the events' ids.
    int64_t epoch = 0;
  };
  using Each = std::function<absl::Status(const std::vector<Record>&)>;

  // UNAVAILABLE, UNAUTHENTICATED and PERMISSION_DENIED as KafkaLogEngine::Open.
  static absl::StatusOr<std::unique_ptr<KafkaLogRestorer>> Open(Options options);
  ~KafkaLogRestorer();

  // DATA_LOSS (LOG_TRIMMED): the partition does not begin at 0 any more.
  absl::StatusOr<Offset> End(const std::string& topic, Partition partition);
  // Durable when it returns. FAILED_PRECONDITION (OFFSET_TAKEN): somebody else writes there.
  // UNAVAILABLE: the records may or may not lie there; End and Read tell.
  absl::Status Append(const std::string& topic, Partition partition,
                      const std::vector<Record>& records);
  // The records of [from, to), as every reader gets them. DATA_LOSS: one is missing.
  absl::Status Read(const std::string& topic, Partition partition, Offset from, Offset to,
                    const Each& each);

 private:
  struct State;
  explicit KafkaLogRestorer(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace crm
