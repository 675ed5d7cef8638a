#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/log/kafka/kafka_options.h"
#include "tools/crmctl/moving/log_contents.h"

namespace crm::crmctl {

// How to reach brokers, and what is on them.
struct KafkaPlace {
  // Without a bootstrap: no brokers are meant.
  KafkaConnection connection;
  // The services' topics.
  std::vector<KafkaTopic> topics;
  // Of topics that are made; 0: three where there are as many brokers, else one.
  int replication_factor = 0;
};

// Where a log lies, or is to lie.
struct LogAddress {
  // Counts where no brokers are meant.
  std::string data_directory;
  KafkaPlace kafka;
};

// "kafka://host:port,…" with the rest of the connection from `kafka`, or else a data directory.
LogAddress ParseLogAddress(const std::string& text, KafkaPlace kafka);

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
