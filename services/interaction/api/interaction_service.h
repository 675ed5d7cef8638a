#pragma once

#include "common/base/clock.h"
#include "common/service/service_definition.h"

namespace crm::interaction {

struct InteractionOptions {
  // Judges whether what is recorded lies in the future. Outlives the service.
  const Clock& clock;
};

// What the host runs: crm.interaction.v1.InteractionService over the topic crm.interaction.events.
ServiceDefinition MakeInteractionService(const InteractionOptions& options);

}  // namespace crm::interaction
