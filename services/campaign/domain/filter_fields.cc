#include "services/campaign/domain/filter_fields.h"

#include <algorithm>
#include <iterator>

#include "common/base/check.h"

namespace crm::campaign {
namespace {

using contact::v1::Contact;
using enum FieldType;
using enum FactSource;

constexpr FieldInfo kFields[] = {
    {"kind", Field::kKind, FieldType::kKind, kContact},
    {"language_code", Field::kLanguageCode, kString, kContact},
    {"region_code", Field::kRegionCode, kString, kContact},
    {"time_zone", Field::kTimeZone, kString, kContact},
    {"tag", Field::kTag, kCondition, kContact, 1},
    {"created", Field::kCreated, kTime, kContact},
    {"stage", Field::kStage, FieldType::kStage, kContact},
    {"consent", Field::kConsent, kCondition, kContact, 2},
    {"orders.count", Field::kOrdersCount, kInteger, kOrders},
    {"orders.amount", Field::kOrdersAmount, kInteger, kOrders, 1},
    {"orders.first_time", Field::kOrdersFirstTime, kTime, kOrders},
    {"orders.last_time", Field::kOrdersLastTime, kTime, kOrders},
    {"orders.product", Field::kOrdersProduct, kCondition, kOrders, 1},
    {"rfm.score", Field::kRfmScore, kInteger, kScores},
    {"rfm.recency", Field::kRfmRecency, kInteger, kScores},
    {"rfm.frequency", Field::kRfmFrequency, kInteger, kScores},
    {"rfm.monetary", Field::kRfmMonetary, kInteger, kScores},
    {"rfm.recency_days", Field::kRfmRecencyDays, kInteger, kScores},
    {"rfm.orders", Field::kRfmOrders, kInteger, kScores},
    {"rfm.amount", Field::kRfmAmount, kInteger, kScores},
    {"value.repeat_purchases", Field::kValueRepeatPurchases, kInteger, kScores},
    {"value.alive_probability", Field::kValueAliveProbability, kDecimal, kScores},
    {"value.expected_purchases", Field::kValueExpectedPurchases, kDecimal, kScores},
    {"value.expected_spend", Field::kValueExpectedSpend, kDecimal, kScores},
    {"value.lifetime_value", Field::kValueLifetimeValue, kDecimal, kScores},
    {"segment", Field::kSegment, kCondition, kSegments, 1},
};

constexpr bool IsByNumber() {
  for (size_t i = 0; i < std::size(kFields); ++i) {
    if (static_cast<size_t>(kFields[i].field) != i) return false;
  }
  return true;
}
static_assert(IsByNumber());

}  // namespace

std::span<const FieldInfo> FilterFields() {
  return kFields;
}

const FieldInfo* FindField(std::string_view name) {
  const auto at = std::find_if(std::begin(kFields), std::end(kFields),
                               [&](const FieldInfo& info) { return info.name == name; });
  return at == std::end(kFields) ? nullptr : at;
}

const FieldInfo& InfoOf(Field field) {
  return kFields[static_cast<size_t>(field)];
}

std::string_view SpellingOf(Operator op) {
  constexpr std::string_view kSpellings[] = {"", "=", "!=", "<", "<=", ">", ">=", "in"};
  return kSpellings[static_cast<size_t>(op)];
}

int EnumNumber(FieldType type, const std::string& name) {
  auto kind = Contact::KIND_UNSPECIFIED;
  auto stage = contact::v1::LIFECYCLE_STAGE_UNSPECIFIED;
  if (type == FieldType::kKind && Contact::Kind_Parse(name, &kind)) return kind;
  if (type == FieldType::kStage && contact::v1::LifecycleStage_Parse(name, &stage)) return stage;
  return 0;
}

std::string EnumName(FieldType type, int64_t number) {
  const int value = static_cast<int>(number);
  if (type == FieldType::kKind) return Contact::Kind_Name(static_cast<Contact::Kind>(value));
  return contact::v1::LifecycleStage_Name(static_cast<contact::v1::LifecycleStage>(value));
}

}  // namespace crm::campaign
