#pragma once

#include "common/service/service_definition.h"

namespace crm::analytics {

// See crm.analytics.v1.AnalyticsService.RecordContactScores. `scores` outlives it.
PrepareCommand PrepareRecordContactScores(const AggregateType& scores);

}  // namespace crm::analytics
