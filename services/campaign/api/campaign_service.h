#pragma once

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/service/service_definition.h"
#include "services/campaign/reaction/outbox.h"

namespace crm::campaign {

struct CampaignOptions {
  // Folder of the outbox, shared by all processes that may own a partition.
  std::string outbox_directory;
};

// The campaign service for a host to run: segments, campaigns, and what they did with each contact.
// The clock outlives it. The outbox is one of files.
ServiceDefinition MakeCampaignService(const CampaignOptions& options, const Clock& clock);
// The same over another outbox.
ServiceDefinition MakeCampaignService(std::shared_ptr<Outbox> outbox, const Clock& clock);

}  // namespace crm::campaign
