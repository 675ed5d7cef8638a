#pragma once

#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/beside_contact.h"
#include "services/contact/api/requests.h"

namespace crm::contact {

// Requests that link a further key to a contact. The key's own stream becomes an alias first; the
// reaction link-of-aliases then lets the contact list the key. Copied into the service's methods;
// borrows the types.
class LinkRequests {
 public:
  explicit LinkRequests(const ContactTypes& types) : types_(types) {}

  // LinkExternalKey: the command is about the key's stream. Whether the contact takes the key is
  // read from the core, which may be a moment late.
  PreparedCommand Link(const CommandContext& context,
                       const v1::LinkExternalKeyRequest& request) const;
  // RecordLinkedKey, and what the reaction does.
  PreparedCommand Record(const CommandContext& context,
                         const v1::RecordLinkedKeyRequest& request) const;
  std::unique_ptr<Command> ByAlias(const std::string& contact, const ExternalKey& key) const;

 private:
  ContactTypes types_;
};

}  // namespace crm::contact
