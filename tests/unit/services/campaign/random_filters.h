#pragma once

#include <string>
#include <vector>

#include "common/base/random.h"
#include "services/campaign/domain/filter.h"
#include "services/campaign/domain/filter_fields.h"

namespace crm::campaign::testing {

// Draws filters and facts from few values, so that they meet often. Not thread-safe.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_.Next64() % static_cast<uint64_t>(n)); }
  bool Once(int in) { return Below(in) == 0; }
  template <typename T>
  const T& Of(const std::vector<T>& all) {
    return all[static_cast<size_t>(Below(static_cast<int>(all.size())))];
  }

  static const std::vector<std::string>& Tags() {
    static const auto* const all = new std::vector<std::string>{"age:45-54", "a \"b\"", "c\\d"};
    return *all;
  }
  static const std::vector<std::string>& Codes() {
    static const auto* const all = new std::vector<std::string>{"", "de-CH", "en", "Zürich"};
    return *all;
  }
  static const std::vector<std::string>& Currencies() {
    static const auto* const all = new std::vector<std::string>{"EUR", "USD"};
    return *all;
  }
  static const std::vector<std::string>& Products() {
    static const auto* const all = new std::vector<std::string>{"p1", "p2", "p3", "p4"};
    return *all;
  }
  static const std::vector<std::string>& Purposes() {
    static const auto* const all = new std::vector<std::string>{"marketing", "service"};
    return *all;
  }
  static const std::vector<std::string>& Channels() {
    static const auto* const all = new std::vector<std::string>{"email", "post"};
    return *all;
  }
  TimeNs ATime() { return (1'500'000'000 + Below(6) * 86'400) * kSecond + Below(2) * 5; }
  int64_t ANumber() { return Below(8) - 1; }
  double ADecimal() { return Of(std::vector<double>{0, 0.25, 0.5, 1, 12.75, -3}); }
  contact::v1::LifecycleStage AStage() {
    return static_cast<contact::v1::LifecycleStage>(1 + Below(9));
  }
  contact::v1::Contact::Kind AKind() {
    return static_cast<contact::v1::Contact::Kind>(1 + Below(2));
  }

  // As ParseFilter would answer it; `segments` are those it may refer to.
  Filter AFilter(const std::vector<std::string>& segments, int depth = 3) {
    const auto kind = depth == 0 ? Filter::Kind::kTerm : static_cast<Filter::Kind>(Below(4));
    Filter filter{.kind = kind};
    switch (kind) {
      case Filter::Kind::kTerm:
        filter.term = ATerm(segments);
        return filter;
      case Filter::Kind::kNot:
        filter.children.push_back(AFilter(segments, depth - 1));
        return filter;
      case Filter::Kind::kAnd:
      case Filter::Kind::kOr:
        for (int n = 2 + Below(2); n > 0;) {
          Filter child = AFilter(segments, depth - 1);
          if (child.kind == kind) continue;
          filter.children.push_back(std::move(child));
          --n;
        }
        return filter;
    }
    return filter;
  }

  Term ATerm(const std::vector<std::string>& segments) {
    const int count = static_cast<int>(FilterFields().size());
    Term term{.field = static_cast<Field>(Below(segments.empty() ? count - 1 : count))};
    const FieldInfo& info = InfoOf(term.field);
    term.arguments = Arguments(term.field, segments);
    if (info.type == FieldType::kCondition) return term;
    const bool ordered = info.type == FieldType::kInteger || info.type == FieldType::kDecimal ||
                         info.type == FieldType::kTime;
    term.op =
        Of(ordered ? std::vector<Operator>{Operator::kEqual, Operator::kNotEqual, Operator::kLess,
                                           Operator::kAtMost, Operator::kGreater,
                                           Operator::kAtLeast, Operator::kIn}
                   : std::vector<Operator>{Operator::kEqual, Operator::kNotEqual, Operator::kIn});
    for (int n = term.op == Operator::kIn ? 1 + Below(3) : 1; n > 0; --n) {
      term.literals.push_back(ALiteral(info.type));
    }
    std::sort(term.literals.begin(), term.literals.end());
    term.literals.erase(std::unique(term.literals.begin(), term.literals.end()),
                        term.literals.end());
    return term;
  }

  ContactFacts SomeFacts() {
    ContactFacts facts{.created = true, .deleted = Once(8)};
    facts.create_time = ATime();
    facts.kind = AKind();
    facts.language_code = Of(Codes());
    facts.region_code = Of(Codes());
    facts.time_zone = Of(Codes());
    facts.tags = Subset(Tags());
    facts.stage = AStage();
    for (const auto& purpose : Purposes()) {
      for (const auto& channel : Channels()) {
        if (Once(2)) {
          facts.consents.push_back({.purpose = purpose, .channel = channel, .granted = Once(2)});
        }
      }
    }
    if (Once(2)) facts.orders = SomeOrders();
    if (Once(2)) {
      facts.rfm = {ANumber(), ANumber(), ANumber(), ANumber(), ANumber(), ANumber(), ANumber()};
    }
    if (Once(2)) facts.value = {ANumber(), ADecimal(), ADecimal(), ADecimal(), ADecimal()};
    return facts;
  }

  OrderFacts SomeOrders() {
    OrderFacts orders{.count = 1 + Below(6), .first_time = ATime(), .last_time = ATime()};
    for (const auto& currency : Currencies()) {
      if (Once(2)) orders.amounts.emplace_back(currency, ANumber());
    }
    orders.products = Subset(Products());
    return orders;
  }

  std::vector<std::string> Subset(const std::vector<std::string>& all) {
    std::vector<std::string> some;
    for (const auto& one : all) {
      if (Once(2)) some.push_back(one);
    }
    std::sort(some.begin(), some.end());
    return some;
  }

 private:
  std::vector<std::string> Arguments(Field field, const std::vector<std::string>& segments) {
    switch (field) {
      case Field::kTag:
        return {Of(Tags())};
      case Field::kConsent:
        return {Of(Purposes()), Of(Channels())};
      case Field::kOrdersAmount:
        return {Of(Currencies())};
      case Field::kOrdersProduct:
        return {Of(Products())};
      case Field::kSegment:
        return {Of(segments)};
      default:
        return {};
    }
  }

  Literal ALiteral(FieldType type) {
    switch (type) {
      case FieldType::kDecimal:
        return ADecimal();
      case FieldType::kTime:
        return ATime();
      case FieldType::kString:
        return Of(Codes());
      case FieldType::kKind:
        return int64_t{AKind()};
      case FieldType::kStage:
        return int64_t{AStage()};
      case FieldType::kInteger:
      case FieldType::kCondition:
        return ANumber();
    }
    return ANumber();
  }

  SeededRandom random_;
};

}  // namespace crm::campaign::testing
