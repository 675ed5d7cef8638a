#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "tools/crmctl/console.h"

namespace crm::crmctl {

// Runs one command line (without the program's name) and answers the exit code, see ExitCode.
// `console.json` is set by it.
int RunCrmctl(const std::vector<std::string>& arguments, Console& console, Random& random);

}  // namespace crm::crmctl
