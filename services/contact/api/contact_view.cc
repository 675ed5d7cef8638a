#include "services/contact/api/contact_view.h"

#include "crm/contact/v1/contact.pb.h"

namespace crm::contact {

std::vector<uint32_t> NotInBasicView() {
  using v1::Contact;
  return {Contact::kAddressesFieldNumber,  Contact::kPreferencesFieldNumber,
          Contact::kConcernsFieldNumber,   Contact::kCustomFieldsFieldNumber,
          Contact::kLinkedKeysFieldNumber, Contact::kObservationsFieldNumber};
}

}  // namespace crm::contact
