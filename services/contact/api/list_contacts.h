#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace crm::contact {

// One page of ListContacts, serialised. By name from the core's rows, by display name from the view
// ContactByName, with the contacts themselves from the core. A page may hold fewer contacts than
// asked for before the list ends: many deleted ones lie between, or those it has are large.
// Contacts whose history cannot be read are left out; GetContact says so of each.
absl::StatusOr<std::string> ListContacts(const QueryContext& context,
                                         const v1::ListContactsRequest& request);

}  // namespace crm::contact
