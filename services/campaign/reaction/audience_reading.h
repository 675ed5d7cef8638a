#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "common/service/view_reading.h"
#include "services/campaign/domain/reach.h"
#include "services/campaign/projection/contact_facts.h"

namespace crm::campaign {

// The audience views of one partition, as a call reads them.
Audience AudienceOf(const ServiceReading& reading, Partition partition);

// What a decision to send rests on beside the contact's reach.
struct SendFacts {
  ConsentReading consent;
  // Also of the erased. A contact that is not created yet has no consent, so it is written nothing.
  bool contact_deleted = false;
};

// As the contact topic tells it up to the position that the consent carries, no record less and
// none more: the view may have moved on since `audience` was taken. DATA_LOSS; UNAVAILABLE where it
// goes on so fast that it cannot be read in between.
absl::StatusOr<SendFacts> ReadSendFacts(const Audience& audience, std::string_view tenant,
                                        std::string_view contact, std::string_view purpose,
                                        std::string_view channel);

}  // namespace crm::campaign
