#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/normalise.h"

namespace crm::contact {

// One page of ListContacts, serialised: which contacts and in what order from the core's rows or
// the view ContactIndex, the contacts themselves from the core. A page may hold fewer contacts than
// asked for before the list ends: many that the filter does not meet lie between, or those it has
// are large. Contacts whose history cannot be read are left out; GetContact says so of each.
absl::StatusOr<std::string> ListContacts(const QueryContext& context,
                                         const v1::ListContactsRequest& request,
                                         const ContactOptions& options);

}  // namespace crm::contact
