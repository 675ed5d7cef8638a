#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"
#include "common/projection/projection.h"

namespace crm::contact {

// The view behind ListContacts, SearchContacts and LookupContacts: the contacts that live, in every
// order that lists offer, by what filters ask for most, and by the words of their names.
//
//   key                                                value
//   partition 'd' tenant 0 collation-key 0 id          -         display name (*)
//   partition 'f' tenant 0 collation-key 0 id          -         family name (*)
//   partition 't' tenant 0 create-time(be64) id        -
//   partition 'u' tenant 0 update-time(be64) id        -
//   partition 'e' tenant 0 facet-hash(8) id            -
//   partition 'w' tenant 0 search-key 0 id             a byte (*)
//   partition 'c' tenant 0 id                          Contact: what the rows above are made of,
//                                                      with delete_time while it is deleted; of a
//                                                      purged one the times alone, as one that is
//                                                      born anew keeps its create_time
//   (*) purged on erasure
//
// `id` is the name without "contacts/". Collation keys hold no zero byte and are cut at 256 bytes,
// so names that differ only far behind are ordered by id; the nameless have an empty one and come
// first. A facet hash is keyed by the deployment's secret, so that no e-mail address can be tried
// against it. Eight bytes of it may be those of another value: whoever reads asks the contact. The
// byte of a word is the length of what its key has in common with the contact's word before it, so
// that a search shows a contact at the first of its words only.
//
// Deleted, purged and erased contacts leave, and those whose history cannot be read; the deleted
// come back with an undeletion, the purged with another birth. Immutable once it has the secret,
// thread-safe.
class ContactIndex final : public Projection {
 public:
  static constexpr std::string_view kName = "contact-index";

  enum class Order : char {
    kDisplayName = 'd',
    kFamilyName = 'f',
    kCreateTime = 't',
    kUpdateTime = 'u',
  };
  enum class Facet : char {
    kEmail = 'e',
    kPhone = 'p',
    kTag = 't',
    kSource = 's',
    kRegion = 'r',
    kLanguage = 'l',
    // Organisations only: most contacts are persons.
    kKind = 'k',
  };

  ContactIndex();

  // Before anything is folded.
  void UseSecret(const Secret& secret) { secret_ = secret; }

  std::string_view name() const override { return kName; }
  // Of the rows above and of the collator: another release of ICU may order names differently.
  int version() const override { return version_; }
  // Without a secret the fold answers FAILED_PRECONDITION.
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of a tenant's keys; what follows is the row's place.
  static std::string OrderPrefix(Partition partition, std::string_view tenant, Order order);
  static std::string WordPrefix(Partition partition, std::string_view tenant);
  static std::string FacetPrefix(Partition partition, std::string_view tenant,
                                 std::string_view facet_hash);
  static std::string FacetHash(const Secret& secret, std::string_view tenant, Facet facet,
                               std::string_view value);

  // What places in an order begin with; those of names are cut, so equal ones may differ.
  static std::string NamePlace(std::string_view name);
  static std::string TimePlace(TimeNs time);

  // The contact's name ("contacts/{id}") from its place in an order, or among words.
  static std::string NameAt(Order order, std::string_view place);
  static std::string NameAtWord(std::string_view place);

 private:
  int version_;
  std::optional<Secret> secret_;
};

}  // namespace crm::contact
