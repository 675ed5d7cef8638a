#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/analytics/v1/analytics_service.pb.h"

namespace crm::analytics {

// The contact a request is about. INVALID_ARGUMENT.
absl::StatusOr<std::string> SubjectOfCustomer360(const Caller& caller,
                                                 const google::protobuf::Message& request,
                                                 const NameMaker& names);

// Views that GetCustomer360 reads.
std::vector<std::string> Customer360Views();

// See crm.analytics.v1.AnalyticsService. Reads rows of the contact alone, as many as it answers; of
// sends and responses all.
absl::StatusOr<v1::Customer360> GetCustomer360(const QueryContext& context,
                                               const v1::GetCustomer360Request& request);

}  // namespace crm::analytics
