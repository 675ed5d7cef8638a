#include "services/contact/api/list_plan.h"

#include <algorithm>
#include <utility>

#include "common/base/bytes.h"

namespace crm::contact {
namespace {

using Order = ContactIndex::Order;
using Facet = ContactIndex::Facet;

// The rarer a value tends to be, the further ahead.
constexpr std::pair<FilterField, Facet> kFacets[] = {
    {FilterField::kEmails, Facet::kEmail},
    {FilterField::kPhones, Facet::kPhone},
    {FilterField::kTags, Facet::kTag},
    {FilterField::kRegionCode, Facet::kRegion},
    {FilterField::kLanguageCode, Facet::kLanguage},
    {FilterField::kExternalKeySource, Facet::kSource},
    {FilterField::kKind, Facet::kKind}};

// The value's text where the term asks for one that has rows.
std::optional<std::string> FacetValue(const FilterTerm& term) {
  if (term.op != FilterOperator::kEqual && term.op != FilterOperator::kHas) return std::nullopt;
  if (term.field != FilterField::kKind) return std::get<std::string>(term.literal);
  const auto kind = static_cast<v1::Contact::Kind>(std::get<int64_t>(term.literal));
  if (kind != v1::Contact::ORGANIZATION) return std::nullopt;
  return v1::Contact::Kind_Name(kind);
}

std::optional<std::pair<Facet, std::string>> BestFacet(
    const std::vector<const FilterTerm*>& terms) {
  for (const auto& [field, facet] : kFacets) {
    for (const FilterTerm* term : terms) {
      if (term->field != field) continue;
      if (auto value = FacetValue(*term)) return std::pair(facet, *std::move(value));
    }
  }
  return std::nullopt;
}

FilterField FieldOf(Order order) {
  switch (order) {
    case Order::kDisplayName:
      return FilterField::kDisplayName;
    case Order::kFamilyName:
      return FilterField::kFamilyName;
    case Order::kCreateTime:
      return FilterField::kCreateTime;
    case Order::kUpdateTime:
      return FilterField::kUpdateTime;
  }
  return FilterField::kUpdateTime;
}

// What the places of all contacts with this very value begin with.
std::string PlaceOf(const FilterTerm& term) {
  if (const auto* time = std::get_if<int64_t>(&term.literal)) {
    return ContactIndex::TimePlace(*time);
  }
  return ContactIndex::NamePlace(std::get<std::string>(term.literal));
}

void Bound(const FilterTerm& term, PlaceRange* range) {
  const std::string place = PlaceOf(term);
  std::string end = PrefixEnd(place);
  switch (term.op) {
    // Names that are equal to the end of a key differ behind it, and then `<` may be true of one.
    case FilterOperator::kLess:
    case FilterOperator::kAtMost:
      range->end = range->end.empty() ? end : std::min(range->end, end);
      return;
    case FilterOperator::kGreater:
    case FilterOperator::kAtLeast:
      range->begin = std::max(range->begin, place);
      return;
    case FilterOperator::kEqual:
      range->begin = std::max(range->begin, place);
      range->end = range->end.empty() ? end : std::min(range->end, end);
      return;
    case FilterOperator::kNotEqual:
    case FilterOperator::kHas:
    case FilterOperator::kPresent:
      return;
  }
}

}  // namespace

std::optional<ListOrder> ReadListOrder(std::string_view order_by) {
  constexpr std::pair<std::string_view, ListOrder> kOrders[] = {
      {"", {}},
      {"name", {}},
      {"display_name", {Order::kDisplayName}},
      {"family_name", {Order::kFamilyName}},
      {"create_time", {Order::kCreateTime}},
      {"create_time desc", {Order::kCreateTime, true}},
      {"update_time", {Order::kUpdateTime}},
      {"update_time desc", {Order::kUpdateTime, true}}};
  for (const auto& [spelling, order] : kOrders) {
    if (order_by == spelling) return order;
  }
  return std::nullopt;
}

std::string_view OfferedOrders() {
  return "name, display_name, family_name, create_time, create_time desc, update_time or "
         "update_time desc";
}

ListPlan PlanList(const ListOrder& order, const ContactFilter& filter, bool show_deleted,
                  const Secret& secret, std::string_view tenant) {
  ListPlan plan;
  const auto terms = NecessaryTerms(filter);
  if (order.index) {
    plan.rows = ListPlan::Rows::kOrder;
    plan.range.backward = order.descending;
    for (const FilterTerm* term : terms) {
      if (term->field == FieldOf(*order.index)) Bound(*term, &plan.range);
    }
    return plan;
  }
  // Rows of values are those of the living.
  const auto facet = show_deleted ? std::nullopt : BestFacet(terms);
  if (!facet) return plan;
  plan.rows = ListPlan::Rows::kFacet;
  plan.facet_hash = ContactIndex::FacetHash(secret, tenant, facet->first, facet->second);
  return plan;
}

}  // namespace crm::contact
