#pragma once

#include <string>
#include <vector>

#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/importing/vcard_reader.h"

namespace crm::crmctl {

// A card as a contact; docs/importing.md has the table of properties.
struct VcardContact {
  contact::v1::UpsertContactRequest request;
  std::vector<CsvFault> faults;
  // Names of the properties that a contact has no place for.
  std::vector<std::string> left_out;
};
// `region`: of cards that tell none; may be empty.
VcardContact ToContact(const Vcard& card, const std::string& source, const std::string& region);

}  // namespace crm::crmctl
