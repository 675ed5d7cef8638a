#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "services/contact/api/contact_filter.h"

// The fields of filters, as the parser and the evaluation know them.
namespace crm::contact {

enum class FilterType : uint8_t {
  // Whole messages: only whether there is one.
  kMessage,
  // Texts of people, in the order of Unicode root collation.
  kText,
  // Texts without an order.
  kCode,
  kKind,
  kAttitude,
  kTime,
  // As the tenant declares.
  kCustom,
};

struct FilterFieldInfo {
  std::string_view name;
  FilterField field;
  FilterType type;
  // Of several values.
  bool repeated = false;
};

// Of "custom_fields.{id}" for any id that could be declared. Null where there is none of this name.
const FilterFieldInfo* FindFilterField(std::string_view name);
const FilterFieldInfo& InfoOf(FilterField field);
// The id in "custom_fields.{id}".
std::string_view CustomFieldOf(std::string_view name);

// Number of a literal such as PERSON; nothing where the type has none of this name.
std::optional<int64_t> FilterEnumNumber(FilterType type, const std::string& name);

// A value that a contact has: a text; a time or the number of an enum; that of a declared field.
// monostate: a message.
using FilterValue = std::variant<std::monostate, std::string_view, int64_t, const v1::CustomValue*>;

// Whether one of the field's values is wanted; false where there is none. Empty texts and enums
// without a value are none.
bool AnyValue(const FilterTerm& term, const v1::Contact& contact,
              const std::function<bool(const FilterValue&)>& wanted);

}  // namespace crm::contact
