#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/config/server_options.h"
#include "common/log/log_engine.h"
#include "common/service/service_definition.h"

namespace crm {

// The one place that knows both engines.

// The deployment's secret. The embedded engine makes one together with its log; processes that
// share a log need the same, so there it must exist (NOT_FOUND names who makes it).
absl::StatusOr<Secret> ReadSecret(const ServerOptions& options, Random& random);

struct LogOpening {
  const ServerOptions& options;
  // Their own topics and those that their views and reactions follow are opened.
  const std::vector<ServiceDefinition>& services;
  std::string secret_check;
  Random& random;
  // See KafkaLogOptions.
  std::function<void(const std::string&)> note;
  // See KafkaConnection.
  std::function<void(const std::string&)> alarm;
};

// One attempt; makes missing topics first where the options say so. Errors as of the engines.
absl::StatusOr<std::unique_ptr<LogEngine>> OpenLog(const LogOpening& opening);

// What an attempt failed with passes by itself, or by what somebody else does: brokers that are not
// there, topics that are not made yet.
bool IsWorthWaiting(const ServerOptions& options, const absl::Status& error);

}  // namespace crm
