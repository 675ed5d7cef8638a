#pragma once

#include <vector>

#include "common/service/service_definition.h"

namespace crm::crmctl {

// Every service whose events and projections crmctl reads from files. The one place that names
// them; commands work on definitions.
std::vector<ServiceDefinition> ServedServices();

}  // namespace crm::crmctl
