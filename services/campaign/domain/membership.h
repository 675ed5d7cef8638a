#pragma once

#include <string>
#include <vector>

#include "common/base/ids.h"
#include "crm/campaign/v1/campaign_events.pb.h"

namespace crm::campaign {

// What a contact's facts say about memberships; a command of the contact's reach ledger, which
// records what is not so already.
struct EvaluateMemberships {
  // Segments the contact belongs to, and those it does not; other segments are left as they are.
  // Each in an order in which a segment comes after those it refers to.
  std::vector<std::string> entered;
  std::vector<std::string> left;
  // Where the facts were read up to.
  std::vector<v1::FactsPosition> facts;
  // When they were read; of the memberships that begin.
  TimeNs time = 0;
};

}  // namespace crm::campaign
