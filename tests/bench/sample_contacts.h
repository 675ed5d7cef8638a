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

// As SampleContact, but of names as many as a large country's: 576 given and 13,824 family names.
inline contact::v1::Contact VariedContact(int64_t number) {
  static constexpr std::array<const char*, 24> kSyllables = {
      "an",  "bel", "cor", "dan", "el",   "fer", "gor", "hal", "is", "jor", "kan", "lin",
      "mar", "nor", "ol",  "per", "quin", "ros", "sen", "tor", "ul", "ver", "wal", "zan"};
  const uint64_t mixed = (static_cast<uint64_t>(number) + 1) * 0x9e3779b97f4a7c15u;
  const auto syllable = [&](int shift) {
    return std::string(kSyllables[(mixed >> shift) % kSyllables.size()]);
  };
  std::string given = syllable(10) + syllable(17);
  std::string family = syllable(25) + syllable(33) + syllable(41);
  given[0] = static_cast<char>(std::toupper(given[0]));
  family[0] = static_cast<char>(std::toupper(family[0]));
  contact::v1::Contact contact = SampleContact(number);
  contact.set_display_name(given + " " + family);
  contact.set_given_name(given);
  contact.set_family_name(family);
  contact.set_emails(0, fmt::format("{}{}@example.com", family, number));
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
