#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/analytics/v1/analytics_service.pb.h"

namespace crm::analytics {

// The run a request is about. INVALID_ARGUMENT.
absl::StatusOr<std::string> SubjectOfPrediction(const Caller& caller,
                                                const google::protobuf::Message& request,
                                                const NameMaker& names);

// See crm.analytics.v1.AnalyticsService.
absl::StatusOr<v1::PurchasePrediction> PredictPurchases(const QueryContext& context,
                                                        const v1::PredictPurchasesRequest& request);

}  // namespace crm::analytics
