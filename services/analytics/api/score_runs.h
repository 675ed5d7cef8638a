#pragma once

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/service/service_definition.h"
#include "crm/analytics/v1/analytics_service.pb.h"

namespace crm::analytics {

// What the caller sets of a run, and nothing else; faults are added by their paths under "run".
v1::ScoreRun CheckScoreRun(const v1::ScoreRun& run, FieldFaults& faults);

// `runs` outlives it.
PrepareCommand PrepareStartScoreRun(const AggregateType& runs);

// See crm.analytics.v1.AnalyticsService.
absl::StatusOr<v1::ScoreRun> PreviewScoreRun(const QueryContext& context,
                                             const v1::PreviewScoreRunRequest& request);
absl::StatusOr<v1::ListScoreRunsResponse> ListScoreRuns(const QueryContext& context,
                                                        const v1::ListScoreRunsRequest& request);

}  // namespace crm::analytics
