#include "services/campaign/domain/filter.h"

#include <algorithm>
#include <optional>

#include "common/filter/literal.h"
#include "services/campaign/domain/filter_fields.h"

namespace crm::campaign {
namespace {

std::string PrintLiteral(FieldType type, const Literal& literal) {
  switch (type) {
    case FieldType::kDecimal:
      return WriteDecimal(std::get<double>(literal));
    case FieldType::kTime:
      return WriteString(WriteTime(std::get<int64_t>(literal)));
    case FieldType::kString:
      return WriteString(std::get<std::string>(literal));
    case FieldType::kKind:
    case FieldType::kStage:
      return EnumName(type, std::get<int64_t>(literal));
    case FieldType::kInteger:
    case FieldType::kCondition:
      return std::to_string(std::get<int64_t>(literal));
  }
  return "";
}

template <typename Items, typename Print>
std::string Joined(const Items& items, std::string_view separator, Print print) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += separator;
    text += print(item);
  }
  return text;
}

std::string PrintTerm(const Term& term) {
  const FieldInfo& info = InfoOf(term.field);
  std::string text(info.name);
  if (info.arguments > 0) text += "(" + Joined(term.arguments, ", ", WriteString) + ")";
  if (term.op == Operator::kHolds) return text;
  const std::string literals =
      Joined(term.literals, ", ", [&](const auto& l) { return PrintLiteral(info.type, l); });
  text.append(" ").append(SpellingOf(term.op)).append(" ");
  return text + (term.op == Operator::kIn ? "(" + literals + ")" : literals);
}

// How tightly a filter binds its parts; a part that binds less stands in parentheses.
int Binding(Filter::Kind kind) {
  switch (kind) {
    case Filter::Kind::kOr:
      return 0;
    case Filter::Kind::kAnd:
      return 1;
    case Filter::Kind::kNot:
      return 2;
    case Filter::Kind::kTerm:
      return 3;
  }
  return 3;
}

std::string PrintPart(const Filter& part, const Filter& whole) {
  const std::string text = PrintFilter(part);
  return Binding(part.kind) < Binding(whole.kind) ? "(" + text + ")" : text;
}

// The facts a field stands for; nothing where they are not known.

std::optional<std::string_view> StringFact(const Term& term, const ContactFacts& facts) {
  const auto known = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
  };
  switch (term.field) {
    case Field::kLanguageCode:
      return known(facts.language_code);
    case Field::kRegionCode:
      return known(facts.region_code);
    case Field::kTimeZone:
      return known(facts.time_zone);
    default:
      return std::nullopt;
  }
}

std::optional<int64_t> RfmFact(Field field, const std::optional<RfmFacts>& rfm) {
  if (!rfm) return std::nullopt;
  switch (field) {
    case Field::kRfmScore:
      return rfm->score;
    case Field::kRfmRecency:
      return rfm->recency_score;
    case Field::kRfmFrequency:
      return rfm->frequency_score;
    case Field::kRfmMonetary:
      return rfm->monetary_score;
    case Field::kRfmRecencyDays:
      return rfm->recency_days;
    case Field::kRfmOrders:
      return rfm->orders;
    case Field::kRfmAmount:
      return rfm->amount_minor;
    default:
      return std::nullopt;
  }
}

int64_t AmountIn(const OrderFacts& orders, const std::string& currency) {
  const auto at = std::lower_bound(
      orders.amounts.begin(), orders.amounts.end(), currency,
      [](const auto& amount, const std::string& code) { return amount.first < code; });
  return at != orders.amounts.end() && at->first == currency ? at->second : 0;
}

std::optional<int64_t> IntegerFact(const Term& term, const ContactFacts& facts) {
  switch (term.field) {
    case Field::kKind:
      return facts.created ? std::optional<int64_t>(facts.kind) : std::nullopt;
    case Field::kCreated:
      return facts.created ? std::optional<int64_t>(facts.create_time) : std::nullopt;
    case Field::kStage:
      return facts.stage;
    case Field::kOrdersCount:
      return facts.orders.count;
    case Field::kOrdersAmount:
      return AmountIn(facts.orders, term.arguments[0]);
    case Field::kOrdersFirstTime:
      return facts.orders.first_time;
    case Field::kOrdersLastTime:
      return facts.orders.last_time;
    case Field::kValueRepeatPurchases:
      return facts.value ? std::optional<int64_t>(facts.value->repeat_purchases) : std::nullopt;
    default:
      return RfmFact(term.field, facts.rfm);
  }
}

std::optional<double> DecimalFact(const Term& term, const ContactFacts& facts) {
  if (!facts.value) return std::nullopt;
  switch (term.field) {
    case Field::kValueAliveProbability:
      return facts.value->alive_probability;
    case Field::kValueExpectedPurchases:
      return facts.value->expected_purchases;
    case Field::kValueExpectedSpend:
      return facts.value->expected_spend_minor;
    case Field::kValueLifetimeValue:
      return facts.value->lifetime_value_minor;
    default:
      return std::nullopt;
  }
}

bool Holds(const Term& term, const ContactFacts& facts, const IsIn& is_in) {
  const auto among = [&](const std::vector<std::string>& sorted) {
    return std::binary_search(sorted.begin(), sorted.end(), term.arguments[0]);
  };
  switch (term.field) {
    case Field::kTag:
      return among(facts.tags);
    case Field::kOrdersProduct:
      return among(facts.orders.products);
    case Field::kConsent: {
      const ConsentFact* fact = facts.FindConsent(term.arguments[0], term.arguments[1]);
      return fact != nullptr && fact->granted;
    }
    case Field::kSegment:
      return is_in(term.arguments[0]);
    default:
      return false;
  }
}

// `Fact` is the type of the literals, or a view of it.
template <typename Stored, typename Fact>
bool Compare(const Term& term, const std::optional<Fact>& fact) {
  if (!fact) return false;
  if (term.op == Operator::kIn) {
    const auto at =
        std::lower_bound(term.literals.begin(), term.literals.end(), *fact,
                         [](const Literal& l, const Fact& f) { return std::get<Stored>(l) < f; });
    return at != term.literals.end() && std::get<Stored>(*at) == *fact;
  }
  const Stored& literal = std::get<Stored>(term.literals[0]);
  switch (term.op) {
    case Operator::kEqual:
      return *fact == literal;
    case Operator::kNotEqual:
      return *fact != literal;
    case Operator::kLess:
      return *fact < literal;
    case Operator::kAtMost:
      return *fact <= literal;
    case Operator::kGreater:
      return *fact > literal;
    case Operator::kAtLeast:
      return *fact >= literal;
    case Operator::kHolds:
    case Operator::kIn:
      return false;
  }
  return false;
}

bool TermMatches(const Term& term, const ContactFacts& facts, const IsIn& is_in) {
  switch (InfoOf(term.field).type) {
    case FieldType::kCondition:
      return Holds(term, facts, is_in);
    case FieldType::kString:
      return Compare<std::string>(term, StringFact(term, facts));
    case FieldType::kDecimal:
      return Compare<double>(term, DecimalFact(term, facts));
    case FieldType::kInteger:
    case FieldType::kTime:
    case FieldType::kKind:
    case FieldType::kStage:
      return Compare<int64_t>(term, IntegerFact(term, facts));
  }
  return false;
}

void CollectReads(const Filter& filter, FilterReads* reads) {
  for (const Filter& child : filter.children) CollectReads(child, reads);
  if (filter.kind != Filter::Kind::kTerm) return;
  const Term& term = filter.term;
  switch (InfoOf(term.field).source) {
    case FactSource::kContact:
      reads->facts.sources.contact = true;
      break;
    case FactSource::kOrders:
      reads->facts.sources.orders = true;
      break;
    case FactSource::kScores:
      reads->facts.sources.scores = true;
      break;
    case FactSource::kSegments:
      reads->segments.push_back(term.arguments[0]);
  }
  if (term.field == Field::kOrdersProduct) reads->facts.products.push_back(term.arguments[0]);
}

void SortUnique(std::vector<std::string>* names) {
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
}

}  // namespace

std::string PrintFilter(const Filter& filter) {
  const auto part = [&](const Filter& child) { return PrintPart(child, filter); };
  switch (filter.kind) {
    case Filter::Kind::kTerm:
      return PrintTerm(filter.term);
    case Filter::Kind::kNot:
      return "NOT " + part(filter.children[0]);
    case Filter::Kind::kAnd:
      return Joined(filter.children, " AND ", part);
    case Filter::Kind::kOr:
      return Joined(filter.children, " OR ", part);
  }
  return "";
}

bool Matches(const Filter& filter, const ContactFacts& facts, const IsIn& is_in) {
  const auto matches = [&](const Filter& child) { return Matches(child, facts, is_in); };
  const auto& children = filter.children;
  switch (filter.kind) {
    case Filter::Kind::kTerm:
      return TermMatches(filter.term, facts, is_in);
    case Filter::Kind::kNot:
      return !matches(children[0]);
    case Filter::Kind::kAnd:
      return std::all_of(children.begin(), children.end(), matches);
    case Filter::Kind::kOr:
      return std::any_of(children.begin(), children.end(), matches);
  }
  return false;
}

FilterReads ReadsOf(const Filter& filter) {
  FilterReads reads;
  CollectReads(filter, &reads);
  SortUnique(&reads.facts.products);
  SortUnique(&reads.segments);
  return reads;
}

}  // namespace crm::campaign
