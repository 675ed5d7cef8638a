#include "services/contact/api/custom_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "services/contact/api/text.h"

namespace crm::contact {
namespace {

using Case = v1::CustomValue::ValueCase;

constexpr char kTypeless[] = "has a type that this server does not know";

struct TypeRule {
  Case value;
  const char* rule;
};

// In the order of CustomField::Type.
constexpr std::array<TypeRule, 7> kTypes{{{Case::VALUE_NOT_SET, kTypeless},
                                          {Case::kText, "must be a text"},
                                          {Case::kInteger, "must be an integer"},
                                          {Case::kNumber, "must be a number"},
                                          {Case::kFlag, "must be a flag"},
                                          {Case::kDate, "must be a date"},
                                          {Case::kChoice, "must be a choice"}}};

std::optional<int> Digits(std::string_view text) {
  int number = 0;
  const char* end = text.data() + text.size();
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || std::from_chars(text.data(), end, number).ptr != end) return std::nullopt;
  return number;
}

// "2026-01-31".
bool IsDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto year = Digits(text.substr(0, 4));
  const auto month = Digits(text.substr(5, 2));
  const auto day = Digits(text.substr(8, 2));
  if (!year || !month || !day || *year == 0) return false;
  return std::chrono::year_month_day(std::chrono::year(*year),
                                     std::chrono::month(static_cast<unsigned>(*month)),
                                     std::chrono::day(static_cast<unsigned>(*day)))
      .ok();
}

const FieldDeclaration* Find(const std::vector<FieldDeclaration>& declared, const std::string& id) {
  const auto found = std::find_if(declared.begin(), declared.end(),
                                  [&id](const auto& field) { return field.id == id; });
  return found == declared.end() ? nullptr : &*found;
}

// The value, or what is wrong with it; neither: the field has none.
struct Checked {
  std::optional<CustomValue> value;
  std::string fault;
};

Checked CheckText(const std::string& text) {
  auto kept = NormaliseText(text);
  if (!kept) return {{}, "must not hold control characters"};
  if (kept->empty()) return {};
  return {*std::move(kept), ""};
}

Checked CheckValue(const v1::CustomValue& value, const FieldDeclaration& field) {
  const auto type = static_cast<size_t>(field.type);
  const TypeRule rule = type < kTypes.size() ? kTypes[type] : kTypes[0];
  if (value.value_case() == Case::VALUE_NOT_SET) return {};
  if (field.retired) return {{}, "is retired and takes no new values"};
  if (value.value_case() != rule.value) return {{}, rule.rule};
  switch (value.value_case()) {
    case Case::kText:
      return CheckText(value.text());
    case Case::kNumber:
      if (std::isfinite(value.number())) return {value.number(), ""};
      return {{}, "must be a finite number"};
    case Case::kDate:
      if (IsDate(value.date())) return {Date{value.date()}, ""};
      return {{}, "must be a date of the calendar such as 2026-01-31"};
    case Case::kChoice:
      if (std::find(field.choices.begin(), field.choices.end(), value.choice()) !=
          field.choices.end()) {
        return {Choice{value.choice()}, ""};
      }
      return {{}, "must be one of the declared choices; see crmctl tenant show"};
    case Case::kInteger:
      return {int64_t{value.integer()}, ""};
    case Case::kFlag:
      return {value.flag(), ""};
    case Case::VALUE_NOT_SET:
      break;
  }
  return {};
}

}  // namespace

CustomFields CheckCustomValues(const google::protobuf::RepeatedPtrField<v1::CustomValue>& values,
                               const std::vector<FieldDeclaration>& declared, FieldFaults& faults) {
  CustomFields kept;
  std::set<std::string_view> seen;
  for (int i = 0; i < values.size(); ++i) {
    const v1::CustomValue& value = values[i];
    std::string path = fmt::format("contact.custom_fields[{}]", i);
    const FieldDeclaration* field = Find(declared, value.field());
    if (field == nullptr) {
      faults.Add(std::move(path),
                 "must be a field that the tenant declares; see crmctl tenant show");
      continue;
    }
    if (!seen.insert(value.field()).second) {
      faults.Add(std::move(path), "must be there once");
      continue;
    }
    Checked checked = CheckValue(value, *field);
    if (!checked.fault.empty()) faults.Add(std::move(path), std::move(checked.fault));
    if (checked.value) kept.insert_or_assign(value.field(), *std::move(checked.value));
  }
  return kept;
}

std::vector<std::string> RequiredFields(const std::vector<FieldDeclaration>& declared) {
  std::vector<std::string> required;
  for (const FieldDeclaration& field : declared) {
    if (field.required && !field.retired) required.push_back(field.id);
  }
  return required;
}

}  // namespace crm::contact
