#include "services/campaign/projection/campaign_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::campaign {

Campaign CampaignAggregate::Load(const v1::Campaign& resource) {
  return {.state = resource.state(),
          .external_key = ReadExternalKey(resource),
          .content = ReadContent(resource),
          .steps_started = resource.steps_started()};
}

v1::Campaign CampaignAggregate::Store(const Campaign& campaign, const AggregateInfo& info) {
  v1::Campaign resource;
  resource.set_name(info.name);
  WriteContent(campaign.content, &resource);
  WriteExternalKey(campaign.external_key, &resource);
  resource.set_state(campaign.state);
  resource.set_steps_started(campaign.steps_started);
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  return resource;
}

}  // namespace crm::campaign
