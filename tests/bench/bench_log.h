#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/random.h"
#include "common/log/log_engine.h"

namespace crm {

// A log of one topic of contacts, that benchmarks write and read without the service.
struct BenchLogOptions {
  // Of the embedded log; unused on Kafka.
  std::string directory;
  // "host:port": on Kafka. Empty: embedded.
  std::string kafka_bootstrap;
  std::string topic = "crm.contact.events";
  size_t memory_bytes = 128 << 20;
};

// `maker`: the topic or the files are made where they are missing, and may be appended to; null:
// only reads.
absl::StatusOr<std::unique_ptr<LogEngine>> OpenBenchLog(const BenchLogOptions& options,
                                                        Random* maker);

}  // namespace crm
