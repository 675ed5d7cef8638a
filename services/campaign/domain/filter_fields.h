#pragma once

#include <span>
#include <string_view>

#include "services/campaign/domain/filter.h"

// The fields of filters, as the parser, the printer and the reader of facts know them.
namespace crm::campaign {

enum class FieldType : uint8_t { kCondition, kInteger, kDecimal, kTime, kString, kKind, kStage };

enum class FactSource : uint8_t { kContact, kOrders, kScores, kSegments };

struct FieldInfo {
  std::string_view name;
  Field field;
  FieldType type;
  FactSource source;
  // Strings in parentheses behind the name.
  int arguments = 0;
};

// Of all fields, by number.
std::span<const FieldInfo> FilterFields();
// Null where there is none of this name.
const FieldInfo* FindField(std::string_view name);
const FieldInfo& InfoOf(Field field);

// "" for kHolds.
std::string_view SpellingOf(Operator op);

// Number of a literal such as PERSON or REPEAT; 0 where the type has none of this name.
int EnumNumber(FieldType type, const std::string& name);
std::string EnumName(FieldType type, int64_t number);

}  // namespace crm::campaign
