#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/campaign/v1/campaign_service.pb.h"

// What became of campaigns: counters of each partition, summed. Each answers the serialised
// response. DATA_LOSS: a row cannot be read.
namespace crm::campaign {

// NOT_FOUND.
absl::StatusOr<std::string> GetCampaignStatistics(const QueryContext& context,
                                                  const v1::GetCampaignStatisticsRequest& request);
absl::StatusOr<std::string> ListCampaignStatistics(
    const QueryContext& context, const v1::ListCampaignStatisticsRequest& request);
// FAILED_PRECONDITION (TOO_MANY_CAMPAIGNS).
absl::StatusOr<std::string> CompareCampaigns(const QueryContext& context,
                                             const v1::CompareCampaignsRequest& request);

}  // namespace crm::campaign
