#pragma once

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/analytics/v1/analytics_service.pb.h"

namespace crm::analytics {

// See crm.analytics.v1.AnalyticsService. Both read all order facts of the tenant.
absl::StatusOr<v1::Concentration> GetConcentration(const QueryContext& context,
                                                   const v1::GetConcentrationRequest& request);
absl::StatusOr<v1::SalesTotals> GetSalesTotals(const QueryContext& context,
                                               const v1::GetSalesTotalsRequest& request);

}  // namespace crm::analytics
