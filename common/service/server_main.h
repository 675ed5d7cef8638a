#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/config/server_options.h"
#include "common/service/service_definition.h"

namespace crm {

// How a server program ends.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitConfiguration = 2;
// Another process took this one's instance name.
inline constexpr int kExitReplaced = 3;

struct ServerProgram {
  // "crm-contact".
  std::string name;
  // What --help says of it.
  std::string purpose;
  // What the process hosts. INVALID_ARGUMENT: an option does not fit. The clock outlives it all.
  std::function<absl::StatusOr<std::vector<ServiceDefinition>>(const ServerOptions& options,
                                                               const Clock& clock)>
      make_services;
};

// A server's main: reads the options, hosts the services until SIGINT or SIGTERM, which work while
// it starts too, and answers the exit code. What went wrong goes to stderr, with the remedy.
int RunServer(int argc, char** argv, const ServerProgram& program);

}  // namespace crm
