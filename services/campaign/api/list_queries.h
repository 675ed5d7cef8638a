#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/campaign/v1/campaign_service.pb.h"

// Lists, a page at a time. Each answers the serialised response. INVALID_ARGUMENT: page size, token
// or order; DATA_LOSS: a row cannot be read.
namespace crm::campaign {

absl::StatusOr<std::string> ListCampaigns(const QueryContext& context,
                                          const v1::ListCampaignsRequest& request);
absl::StatusOr<std::string> ListRefusals(const QueryContext& context,
                                         const v1::ListRefusalsRequest& request);

}  // namespace crm::campaign
