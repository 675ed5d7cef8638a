#pragma once

#include "common/service/service_definition.h"

namespace crm::analytics {

// What the host runs: crm.analytics.v1.AnalyticsService over the topic crm.analytics.events, with
// views over the topics of all services.
ServiceDefinition MakeAnalyticsService();

}  // namespace crm::analytics
