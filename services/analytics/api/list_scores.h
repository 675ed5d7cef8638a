#pragma once

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/analytics/v1/analytics_service.pb.h"

namespace crm::analytics {

// See crm.analytics.v1.AnalyticsService. The order is the view's, the scores are the core's: a
// contact scored at this moment may stand where it stood before.
absl::StatusOr<v1::ListContactScoresResponse> ListContactScores(
    const QueryContext& context, const v1::ListContactScoresRequest& request);
absl::StatusOr<v1::RfmSegments> GetRfmSegments(const QueryContext& context,
                                               const v1::GetRfmSegmentsRequest& request);

}  // namespace crm::analytics
