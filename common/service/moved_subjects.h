#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/aggregate/command.h"
#include "common/service/service_definition.h"

// Subjects that are aliases of others: MOVED with the metadata `contact` names the one that calls
// about an alias belong to (PROTOCOL §1). The host follows once.
namespace crm {

// Where a refusal points; empty where it is another one.
std::string MovedTo(const absl::Status& refusal);

// Where the core knows the subject to be an alias of, maybe a moment late; empty: of none. Aliases
// are resources with a field `moved_to`.
std::string AliasTarget(const RowReader& core, const ServiceDefinition& definition,
                        const std::string& tenant, const std::string& subject);

// Makes the command one about `subject`, and about what hangs on it the same way.
void Retarget(const std::string& subject, Command* command);

}  // namespace crm
