#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/beside_contact.h"
#include "services/contact/api/requests.h"

namespace crm::contact {

// From requests about consents to commands and answers. Copied into the service's methods; borrows
// the types.
class ConsentRequests {
 public:
  explicit ConsentRequests(const ContactTypes& types) : types_(types) {}

  PreparedCommand Grant(const Caller& caller, const v1::GrantConsentRequest& request,
                        const NameMaker& names) const;
  PreparedCommand Withdraw(const Caller& caller, const v1::WithdrawConsentRequest& request,
                           const NameMaker& names) const;

  // The contact that CheckConsent is about.
  static absl::StatusOr<std::string> Subject(const Caller& caller,
                                             const v1::CheckConsentRequest& request,
                                             const NameMaker& names);
  absl::StatusOr<std::string> Check(const QueryContext& context,
                                    const v1::CheckConsentRequest& request) const;

 private:
  ContactTypes types_;
};

}  // namespace crm::contact
