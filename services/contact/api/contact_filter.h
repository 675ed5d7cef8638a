#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/contact/v1/contact.pb.h"
#include "services/contact/domain/tenant.h"

// The filters of ListContacts: AIP-160, strict and typed (docs/filters.md).
namespace crm::contact {

// Parentheses within one another; comparisons of a filter.
inline constexpr int kMaxFilterDepth = 64;
inline constexpr size_t kMaxFilterTerms = 256;
inline constexpr size_t kMaxFilterBytes = 65536;

// In the order of the table in contact_filter_fields.cc.
enum class FilterField : uint8_t {
  kKind,
  kDisplayName,
  kGivenName,
  kFamilyName,
  kEmails,
  kPhones,
  kAddresses,
  kAddressRegionCode,
  kAddressAdministrativeArea,
  kAddressLocality,
  kAddressPostalCode,
  kAddressLabel,
  kLanguageCode,
  kRegionCode,
  kTimeZone,
  kTags,
  kExternalKey,
  kExternalKeySource,
  kExternalKeyKey,
  kLinkedKeys,
  kLinkedKeysSource,
  kPreferences,
  kPreferencesChannel,
  kPreferencesTopic,
  kPreferencesAttitude,
  kConcerns,
  kConcernsTopic,
  kCreateTime,
  kUpdateTime,
  kCustom,
};

enum class FilterOperator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kAtMost,
  kGreater,
  kAtLeast,
  // One of several values is this one.
  kHas,
  // There is a value.
  kPresent,
};

// Texts; times (nanoseconds since 1970), numbers of enums, integers; decimals; flags.
using FilterLiteral = std::variant<std::string, int64_t, double, bool>;

struct FilterTerm {
  FilterField field = FilterField::kKind;
  // Of kCustom: the declaration's id.
  std::string custom_field;
  FilterOperator op = FilterOperator::kPresent;
  FilterLiteral literal;
};

// A filter as a tree, no deeper than the limit allows. A kAnd without children meets every contact;
// no other kAnd or kOr has fewer than two.
struct ContactFilter {
  enum class Kind : uint8_t { kTerm, kAnd, kOr, kNot };
  Kind kind = Kind::kAnd;
  FilterTerm term;
  std::vector<ContactFilter> children;
};

// INVALID_ARGUMENT (FILTER_INVALID) with field `filter`, what is wrong, and in the metadata's
// `position` the byte at which it was noticed. A blank text gives the filter that meets all.
// `declared` are the tenant's own fields.
absl::StatusOr<ContactFilter> ParseContactFilter(std::string_view text,
                                                 const std::vector<FieldDeclaration>& declared);

// A comparison with what the contact does not have is false, whatever the operator. Takes time
// linear in the filter and the contact. Thread-safe.
bool Matches(const ContactFilter& filter, const v1::Contact& contact);

// Terms that every contact the filter meets fulfils.
std::vector<const FilterTerm*> NecessaryTerms(const ContactFilter& filter);

}  // namespace crm::contact
