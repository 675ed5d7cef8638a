#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crm::contact {

// Which source a contact's field is taken from when several gave a value. See
// crm.contact.v1.Survivorship, whose plain form this is.
struct Survivorship {
  struct Rule {
    // None = all that no other rule names. "custom_fields" names each of them.
    std::vector<std::string> fields;
    // Best first.
    std::vector<std::string> sources;
  };
  std::vector<Rule> rules;

  // 0 is best; the sources that the rule of the field does not name are equals behind those it
  // names.
  int Rank(std::string_view field, std::string_view source) const;
};

}  // namespace crm::contact
