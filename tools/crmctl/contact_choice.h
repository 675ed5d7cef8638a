#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/base/status.h"
#include "crm/contact/v1/contact.pb.h"

namespace crm::crmctl {

// One contact: by its name, or by its external key as "SOURCE/KEY".
struct ContactChoice {
  std::string name;
  std::string key;
};

// INVALID_ARGUMENT (KEY_MALFORMED).
absl::StatusOr<contact::v1::ExternalKey> ParseKey(const std::string& text);

// Sets `contact` or `contact_key` of a request that has both.
template <typename Request>
absl::Status SetContact(const ContactChoice& choice, Request* request) {
  if (!choice.name.empty()) {
    request->set_contact(choice.name);
    return absl::OkStatus();
  }
  CRM_ASSIGN_OR_RETURN(*request->mutable_contact_key(), ParseKey(choice.key));
  return absl::OkStatus();
}

}  // namespace crm::crmctl
