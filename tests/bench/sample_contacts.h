#pragma once

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <string>

#include "crm/contact/v1/contact_service.pb.h"

namespace crm {

// A person with phone and e-mail, in the normal form the service gives them. The same number gives
// the same person; the e-mail and the phone differ from person to person.
inline contact::v1::Contact SampleContact(int64_t number) {
  static constexpr std::array<const char*, 12> kGiven = {
      "Ada",      "Grace",   "Alan", "Edsger", "Barbara", "Donald",
      "Margaret", "Frances", "Ken",  "Radia",  "Niklaus", "Katherine"};
  static constexpr std::array<const char*, 10> kFamily = {
      "Lovelace", "Hopper", "Turing",  "Dijkstra", "Liskov",
      "Knuth",    "Allen",  "Perlman", "Hamilton", "Johnson"};
  const uint64_t mixed = static_cast<uint64_t>(number) * 0x9e3779b97f4a7c15u;
  const std::string given = kGiven[(mixed >> 33) % kGiven.size()];
  const std::string family = kFamily[(mixed >> 45) % kFamily.size()];
  contact::v1::Contact contact;
  contact.set_kind(contact::v1::Contact::PERSON);
  contact.set_display_name(given + " " + family);
  contact.set_given_name(given);
  contact.set_family_name(family);
  contact.add_emails(fmt::format("{}{}@example.com", family, number));
  contact.add_phones(fmt::format("+1415{}", 2'000'000 + number % 7'000'000));
  contact.set_language_code("en-US");
  contact.set_region_code("US");
  return contact;
}

// `run` makes request ids of different loads differ; its own length is constant.
inline contact::v1::CreateContactRequest SampleCreate(int run, int64_t number) {
  contact::v1::CreateContactRequest request;
  *request.mutable_contact() = SampleContact(number);
  request.set_request_id(fmt::format("bench-{:04}-{:012}", run, number));
  return request;
}

}  // namespace crm
