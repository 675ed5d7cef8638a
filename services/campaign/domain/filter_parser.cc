#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/filter/lexer.h"
#include "common/filter/literal.h"
#include "services/campaign/domain/filter.h"
#include "services/campaign/domain/filter_fields.h"

namespace crm::campaign {
namespace {

using Kind = FilterToken::Kind;

constexpr std::string_view kSymbols[] = {"!=", "<=", ">=", "=", "<", ">", "(", ")", ","};
constexpr FilterDialect kDialect = {.field = "segment.filter", .symbols = kSymbols};

absl::Status Fault(size_t position, std::string_view what) {
  return FilterFault(kDialect, position, what);
}

bool IsKeyword(std::string_view word) {
  return word == "AND" || word == "OR" || word == "NOT" || word == "in";
}

std::optional<Operator> OperatorOf(const FilterToken& token) {
  if (token.kind != Kind::kSymbol && token.text != "in") return std::nullopt;
  for (const Operator op :
       {Operator::kEqual, Operator::kNotEqual, Operator::kLess, Operator::kAtMost,
        Operator::kGreater, Operator::kAtLeast, Operator::kIn}) {
    if (token.text == SpellingOf(op)) return op;
  }
  return std::nullopt;
}

// Texts and words have no order that would mean something to a caller.
bool Ordered(FieldType type) {
  return type == FieldType::kInteger || type == FieldType::kDecimal || type == FieldType::kTime;
}
bool AsksForOrder(Operator op) {
  return op != Operator::kEqual && op != Operator::kNotEqual && op != Operator::kIn;
}

template <typename T>
absl::StatusOr<Literal> LiteralOr(const std::optional<T>& value, const FilterToken& token,
                                  std::string_view expected) {
  if (!value) return Fault(token.position, expected);
  return Literal(*value);
}

absl::StatusOr<Literal> EnumLiteral(FieldType type, const FilterToken& token) {
  const int number = token.kind == Kind::kWord ? EnumNumber(type, token.text) : 0;
  if (number == 0) {
    return Fault(token.position, type == FieldType::kKind
                                     ? "must be PERSON or ORGANIZATION"
                                     : "must be a life-cycle stage such as REPEAT");
  }
  return Literal(static_cast<int64_t>(number));
}

absl::StatusOr<Literal> LiteralOf(FieldType type, const FilterToken& token) {
  switch (type) {
    case FieldType::kInteger:
      return LiteralOr(token.kind == Kind::kNumber ? ReadInteger(token.text) : std::nullopt, token,
                       "must be a whole number of at most 64 bits");
    case FieldType::kDecimal:
      return LiteralOr(token.kind == Kind::kNumber ? ReadDecimal(token.text) : std::nullopt, token,
                       "must be a decimal number such as 0.25");
    case FieldType::kTime:
      return LiteralOr(token.kind == Kind::kString ? ReadTime(token.text) : std::nullopt, token,
                       "must be a time in UTC such as \"2017-06-30T00:00:00Z\"");
    case FieldType::kString:
      if (token.kind != Kind::kString) return Fault(token.position, "must be a string");
      return Literal(token.text);
    case FieldType::kKind:
    case FieldType::kStage:
      return EnumLiteral(type, token);
    case FieldType::kCondition:
      return Fault(token.position, "a condition is compared with nothing");
  }
  return Fault(token.position, "must be a literal");
}

// One token ahead; one function a rule of the grammar in docs/segments.md.
class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(kDialect, text) {}

  absl::StatusOr<Filter> Parse() {
    CRM_RETURN_IF_ERROR(Advance());
    CRM_ASSIGN_OR_RETURN(Filter filter, Disjunction());
    if (token_.kind != Kind::kEnd) return Fault("must be AND, OR or the end");
    return filter;
  }

 private:
  absl::StatusOr<Filter> Disjunction() {
    return Chain(Filter::Kind::kOr, "OR", &Parser::Conjunction);
  }
  absl::StatusOr<Filter> Conjunction() {
    return Chain(Filter::Kind::kAnd, "AND", &Parser::Negation);
  }

  absl::StatusOr<Filter> Chain(Filter::Kind kind, std::string_view word,
                               absl::StatusOr<Filter> (Parser::*operand)()) {
    CRM_ASSIGN_OR_RETURN(Filter first, (this->*operand)());
    if (!IsWord(word)) return first;
    Filter chain{.kind = kind};
    Append(std::move(first), &chain);
    while (IsWord(word)) {
      CRM_RETURN_IF_ERROR(Advance());
      CRM_ASSIGN_OR_RETURN(Filter next, (this->*operand)());
      Append(std::move(next), &chain);
    }
    return chain;
  }

  // A chain in parentheses within one of the same kind is part of it.
  static void Append(Filter operand, Filter* chain) {
    if (operand.kind != chain->kind) {
      chain->children.push_back(std::move(operand));
      return;
    }
    for (Filter& child : operand.children) chain->children.push_back(std::move(child));
  }

  absl::StatusOr<Filter> Negation() {
    if (!IsWord("NOT")) return Primary();
    CRM_RETURN_IF_ERROR(Enter());
    CRM_ASSIGN_OR_RETURN(Filter operand, Negation());
    --depth_;
    Filter negation{.kind = Filter::Kind::kNot};
    negation.children.push_back(std::move(operand));
    return negation;
  }

  absl::StatusOr<Filter> Primary() {
    if (!IsSymbol("(")) return Condition();
    CRM_RETURN_IF_ERROR(Enter());
    CRM_ASSIGN_OR_RETURN(Filter inner, Disjunction());
    CRM_RETURN_IF_ERROR(Expect(")"));
    --depth_;
    return inner;
  }

  // One level deeper, behind the token that opens it.
  absl::Status Enter() {
    if (++depth_ > kMaxFilterDepth) {
      return Fault("parentheses and NOTs are nested more than " + std::to_string(kMaxFilterDepth) +
                   " deep");
    }
    return Advance();
  }

  absl::StatusOr<Filter> Condition() {
    if (token_.kind != Kind::kWord || IsKeyword(token_.text)) return Fault("must be a field");
    const FieldInfo* info = FindField(token_.text);
    if (info == nullptr)
      return Fault("there is no field of this name; docs/segments.md lists them");
    CRM_RETURN_IF_ERROR(Advance());
    Filter filter;
    filter.term.field = info->field;
    CRM_RETURN_IF_ERROR(Arguments(*info, &filter.term));
    if (info->type != FieldType::kCondition) CRM_RETURN_IF_ERROR(Comparison(*info, &filter.term));
    return filter;
  }

  absl::Status Arguments(const FieldInfo& info, Term* term) {
    for (int i = 0; i < info.arguments; ++i) {
      CRM_RETURN_IF_ERROR(Expect(i == 0 ? "(" : ","));
      if (token_.kind != Kind::kString || token_.text.empty()) {
        return Fault("must be a string that is not empty");
      }
      term->arguments.push_back(std::move(token_.text));
      CRM_RETURN_IF_ERROR(Advance());
    }
    return info.arguments == 0 ? absl::OkStatus() : Expect(")");
  }

  absl::Status Comparison(const FieldInfo& info, Term* term) {
    const auto op = OperatorOf(token_);
    if (!op) return Fault("must be one of = != < <= > >= in");
    if (AsksForOrder(*op) && !Ordered(info.type)) {
      return Fault("this field has no order; compare it by =, != or in");
    }
    term->op = *op;
    CRM_RETURN_IF_ERROR(Advance());
    return *op == Operator::kIn ? List(info.type, term) : OneLiteral(info.type, term);
  }

  absl::Status OneLiteral(FieldType type, Term* term) {
    CRM_ASSIGN_OR_RETURN(Literal literal, LiteralOf(type, token_));
    term->literals.push_back(std::move(literal));
    return Advance();
  }

  absl::Status List(FieldType type, Term* term) {
    CRM_RETURN_IF_ERROR(Expect("("));
    CRM_RETURN_IF_ERROR(OneLiteral(type, term));
    while (IsSymbol(",")) {
      if (term->literals.size() == kMaxFilterList) {
        return Fault("a list has at most " + std::to_string(kMaxFilterList) + " literals");
      }
      CRM_RETURN_IF_ERROR(Advance());
      CRM_RETURN_IF_ERROR(OneLiteral(type, term));
    }
    auto& literals = term->literals;
    std::sort(literals.begin(), literals.end());
    literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
    return Expect(")");
  }

  bool IsWord(std::string_view word) const {
    return token_.kind == Kind::kWord && token_.text == word;
  }
  bool IsSymbol(std::string_view symbol) const {
    return token_.kind == Kind::kSymbol && token_.text == symbol;
  }
  absl::Status Expect(std::string_view symbol) {
    if (!IsSymbol(symbol)) return Fault("must be " + std::string(symbol));
    return Advance();
  }
  absl::Status Advance() {
    CRM_ASSIGN_OR_RETURN(token_, lexer_.Next());
    return absl::OkStatus();
  }
  absl::Status Fault(std::string_view what) const { return campaign::Fault(token_.position, what); }

  FilterLexer lexer_;
  FilterToken token_;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<Filter> ParseFilter(std::string_view text) {
  if (text.size() > kMaxFilterBytes) {
    return Fault(kMaxFilterBytes, "a filter has at most 65536 bytes");
  }
  if (!IsUtf8(text)) return Fault(0, "must be UTF-8");
  return Parser(text).Parse();
}

}  // namespace crm::campaign
