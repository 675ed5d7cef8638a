#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::contact {

// The view behind ListContacts by display_name: the contacts that live, in Unicode root collation.
//
//   key                                                 value
//   partition 'n' tenant 0 collation-key 0 id           -      (purged on erasure)
//   partition 'c' tenant 0 id                           collation key: where the row above is
//
// `id` is the name without "contacts/". A collation key holds no zero byte and is cut at 256 bytes,
// so names that differ only far behind are ordered by id. The nameless have an empty one and come
// first. Deleted and erased contacts leave, and those whose history cannot be read; none of them
// comes back. Immutable, thread-safe.
class ContactByName final : public Projection {
 public:
  static constexpr std::string_view kName = "contact-by-name";

  ContactByName();

  std::string_view name() const override { return kName; }
  // Of the rows above and of the collator: another release of ICU may order names differently.
  int version() const override { return version_; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of the keys of a tenant's contacts in order of name; what follows is the contact's place.
  static std::string ListPrefix(Partition partition, std::string_view tenant);
  // The contact's name ("contacts/{id}"), from its place in the list.
  static std::string NameAt(std::string_view place);

 private:
  int version_;
};

}  // namespace crm::contact
