#include "services/contact/api/contact_filter.h"

#include <algorithm>
#include <compare>

#include "services/contact/api/contact_filter_fields.h"
#include "services/contact/projection/collation.h"

namespace crm::contact {
namespace {

using Order = std::partial_ordering;

bool Fulfils(Order order, FilterOperator op) {
  switch (op) {
    case FilterOperator::kEqual:
    case FilterOperator::kHas:
      return order == 0;
    case FilterOperator::kNotEqual:
      return order != 0 && order != Order::unordered;
    case FilterOperator::kLess:
      return order < 0;
    case FilterOperator::kAtMost:
      return order <= 0;
    case FilterOperator::kGreater:
      return order > 0;
    case FilterOperator::kAtLeast:
      return order >= 0;
    case FilterOperator::kPresent:
      return true;
  }
  return false;
}

// Equal is what has the same bytes; before and after are as people sort.
bool TextFulfils(std::string_view text, const FilterTerm& term) {
  const std::string& literal = std::get<std::string>(term.literal);
  switch (term.op) {
    case FilterOperator::kEqual:
    case FilterOperator::kHas:
      return text == literal;
    case FilterOperator::kNotEqual:
      return text != literal;
    default:
      return Fulfils(CompareCollated(text, literal) <=> 0, term.op);
  }
}

// Integers and decimals by their exact values: a long double holds 64 bits.
Order NumberOrder(long double value, const FilterLiteral& literal) {
  if (const auto* integer = std::get_if<int64_t>(&literal)) {
    return value <=> static_cast<long double>(*integer);
  }
  if (const auto* decimal = std::get_if<double>(&literal)) {
    return value <=> static_cast<long double>(*decimal);
  }
  return Order::unordered;
}

Order CustomTextOrder(const std::string& text, const FilterTerm& term, bool ordered) {
  const auto* literal = std::get_if<std::string>(&term.literal);
  if (literal == nullptr) return Order::unordered;
  const bool asks_equal = term.op == FilterOperator::kEqual || term.op == FilterOperator::kNotEqual;
  return ordered || asks_equal ? Order(text <=> *literal) : Order::unordered;
}

// Unordered where the literal is of another type: no operator is fulfilled then.
Order CustomOrder(const v1::CustomValue& value, const FilterTerm& term) {
  switch (value.value_case()) {
    case v1::CustomValue::kText:
      return CustomTextOrder(value.text(), term, false);
    case v1::CustomValue::kChoice:
      return CustomTextOrder(value.choice(), term, false);
    case v1::CustomValue::kDate:
      return CustomTextOrder(value.date(), term, true);
    case v1::CustomValue::kInteger:
      return NumberOrder(static_cast<long double>(value.integer()), term.literal);
    case v1::CustomValue::kNumber:
      return NumberOrder(value.number(), term.literal);
    case v1::CustomValue::kFlag: {
      const auto* flag = std::get_if<bool>(&term.literal);
      return flag == nullptr ? Order::unordered : Order(value.flag() <=> *flag);
    }
    case v1::CustomValue::VALUE_NOT_SET:
      break;
  }
  return Order::unordered;
}

struct Judge {
  const FilterTerm& term;
  bool operator()(std::monostate) const { return false; }
  bool operator()(std::string_view text) const { return TextFulfils(text, term); }
  bool operator()(int64_t number) const {
    return Fulfils(number <=> std::get<int64_t>(term.literal), term.op);
  }
  bool operator()(const v1::CustomValue* value) const {
    return Fulfils(CustomOrder(*value, term), term.op);
  }
};

bool TermMatches(const FilterTerm& term, const v1::Contact& contact) {
  return AnyValue(term, contact, [&term](const FilterValue& value) {
    return term.op == FilterOperator::kPresent || std::visit(Judge{term}, value);
  });
}

}  // namespace

bool Matches(const ContactFilter& filter, const v1::Contact& contact) {
  const auto matches = [&](const ContactFilter& child) { return Matches(child, contact); };
  const auto& children = filter.children;
  switch (filter.kind) {
    case ContactFilter::Kind::kTerm:
      return TermMatches(filter.term, contact);
    case ContactFilter::Kind::kAnd:
      return std::all_of(children.begin(), children.end(), matches);
    case ContactFilter::Kind::kOr:
      return std::any_of(children.begin(), children.end(), matches);
    case ContactFilter::Kind::kNot:
      return !Matches(children[0], contact);
  }
  return false;
}

std::vector<const FilterTerm*> NecessaryTerms(const ContactFilter& filter) {
  if (filter.kind == ContactFilter::Kind::kTerm) return {&filter.term};
  std::vector<const FilterTerm*> terms;
  if (filter.kind != ContactFilter::Kind::kAnd) return terms;
  for (const ContactFilter& child : filter.children) {
    if (child.kind == ContactFilter::Kind::kTerm) terms.push_back(&child.term);
  }
  return terms;
}

}  // namespace crm::contact
