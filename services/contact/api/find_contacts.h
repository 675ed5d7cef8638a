#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/normalise.h"

namespace crm::contact {

// From a validated request to the serialised response. INVALID_ARGUMENT: what is looked for is no
// e-mail address, phone number or key, or holds no letter or digit. DATA_LOSS: a row cannot be
// read. Contacts whose history cannot be read are left out.
absl::StatusOr<std::string> LookupContacts(const QueryContext& context,
                                           const v1::LookupContactsRequest& request,
                                           const ContactOptions& options);
absl::StatusOr<std::string> SearchContacts(const QueryContext& context,
                                           const v1::SearchContactsRequest& request);

}  // namespace crm::contact
