#pragma once

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "services/contact/api/normalise.h"

namespace crm::contact {

// What the host runs: crm.contact.v1.ContactService over the topic crm.contact.events.
ServiceDefinition MakeContactService(const ContactOptions& options);

// The options in canonical form. INVALID_ARGUMENT names the ones that are no region or language.
absl::StatusOr<ContactOptions> CheckContactOptions(const ContactOptions& options);

}  // namespace crm::contact
