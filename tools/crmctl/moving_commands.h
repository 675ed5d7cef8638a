#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/log/kafka/kafka_options.h"
#include "tools/crmctl/console.h"

// Moves whole logs: into files, out of files, from one engine to another
// (docs/backup-and-moving.md).
namespace crm::crmctl {

struct MoveArguments {
  // Data directory of a stopped server; empty where it was not given.
  std::string data_directory;
  // "kafka://host:port,host:port", or empty.
  std::string from;
  // The same, or the data directory that gets an embedded log.
  std::string to;
  // Of the export.
  std::string directory;
  // Default: all.
  std::vector<std::string> topics;
  // How to reach the brokers that `from` or `to` names; its bootstrap is not used.
  KafkaConnection kafka;
  // 0: three where there are as many brokers, else one.
  int replication_factor = 0;
};

absl::Status LogExport(Console& console, const MoveArguments& arguments);
// Exit code 1 where a file is not as it was written.
absl::Status LogExportVerify(Console& console, const std::string& directory);
absl::Status LogImport(Console& console, const MoveArguments& arguments);
absl::Status LogCopy(Console& console, const MoveArguments& arguments);

}  // namespace crm::crmctl
