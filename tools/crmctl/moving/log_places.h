#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/log/kafka/kafka_options.h"
#include "tools/crmctl/moving/log_contents.h"

namespace crm::crmctl {

// Where a log lies, or is to lie: one of the two is set.
struct LogAddress {
  std::string data_directory;
  // Set where its bootstrap is.
  KafkaConnection kafka;
};

// "kafka://host:port,…" with the rest of the connection from `kafka`, or else a data directory.
LogAddress ParseLogAddress(const std::string& text, KafkaConnection kafka);

// An engine's log that is open for reading.
class OpenedLog {
 public:
  virtual ~OpenedLog() = default;
  // Lives as long as this.
  virtual LogSource& source() = 0;
};

// `topics`: only these; empty: all, which on Kafka are those of the services. Errors: the engines'.
absl::StatusOr<std::unique_ptr<OpenedLog>> OpenLog(const LogAddress& address,
                                                   const std::vector<std::string>& topics);

// Nothing is opened or made before its Begin.
std::unique_ptr<LogDraft> MakeDraft(const LogAddress& address);

}  // namespace crm::crmctl
