#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "crm/contact/v1/contact.pb.h"

namespace crm::contact {

struct PostalAddress {
  std::vector<std::string> lines;
  std::string locality;
  std::string administrative_area;
  std::string postal_code;
  std::string region_code;
  std::string label;
  bool operator==(const PostalAddress&) const = default;
};

struct ExternalKey {
  std::string source;
  std::string key;
  bool operator==(const ExternalKey&) const = default;
};

struct Preference {
  std::string channel;
  std::string topic;
  v1::Preference::Attitude attitude = v1::Preference::ATTITUDE_UNSPECIFIED;
  bool operator==(const Preference&) const = default;
};

struct Concern {
  std::string topic;
  std::string text;
  bool operator==(const Concern&) const = default;
};

// A day of the calendar, "2026-01-31".
struct Date {
  std::string text;
  bool operator==(const Date&) const = default;
};

// One of a declaration's choices.
struct Choice {
  std::string id;
  bool operator==(const Choice&) const = default;
};

// Values of declared fields by the declaration's id.
using CustomValue = std::variant<std::string, int64_t, double, bool, Date, Choice>;
using CustomFields = std::map<std::string, CustomValue>;

// What callers may change of a contact, already normalised. The fields mean what they mean in
// crm.contact.v1.Contact.
struct Profile {
  v1::Contact::Kind kind = v1::Contact::KIND_UNSPECIFIED;
  std::string display_name;
  std::string given_name;
  std::string family_name;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::vector<PostalAddress> addresses;
  std::string language_code;
  std::string region_code;
  std::string time_zone;
  std::vector<std::string> tags;
  // Sorted by channel and topic.
  std::vector<Preference> preferences;
  // Sorted by topic.
  std::vector<Concern> concerns;
  CustomFields custom_fields;
  bool operator==(const Profile&) const = default;
};

// Calls visit(name in the API, member of Profile) for every field, always in this order.
template <typename Visit>
void ForEachField(Visit&& visit) {
  visit("kind", &Profile::kind);
  visit("display_name", &Profile::display_name);
  visit("given_name", &Profile::given_name);
  visit("family_name", &Profile::family_name);
  visit("emails", &Profile::emails);
  visit("phones", &Profile::phones);
  visit("addresses", &Profile::addresses);
  visit("language_code", &Profile::language_code);
  visit("region_code", &Profile::region_code);
  visit("time_zone", &Profile::time_zone);
  visit("tags", &Profile::tags);
  visit("preferences", &Profile::preferences);
  visit("concerns", &Profile::concerns);
  visit("custom_fields", &Profile::custom_fields);
}

// Names of fields of Profile, "custom_fields.{id}" for one of the declared ones, "custom_fields"
// for all of them; a name that is none of them selects nothing.
using FieldMask = std::vector<std::string>;

}  // namespace crm::contact
