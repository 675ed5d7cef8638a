#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/filter/lexer.h"
#include "common/filter/literal.h"
#include "services/contact/api/contact_filter.h"
#include "services/contact/api/contact_filter_fields.h"

namespace crm::contact {
namespace {

using Kind = FilterToken::Kind;

constexpr std::string_view kSymbols[] = {"!=", "<=", ">=", "=", "<", ">", ":", "(", ")", "*", "-"};
constexpr FilterDialect kDialect = {
    .field = "filter", .symbols = kSymbols, .quotes = "\"'", .times_without_quotes = true};

absl::Status FaultAt(size_t position, std::string_view what) {
  return FilterFault(kDialect, position, what);
}

bool IsKeyword(std::string_view word) {
  return word == "AND" || word == "OR" || word == "NOT";
}

bool AsksForOrder(FilterOperator op) {
  return op == FilterOperator::kLess || op == FilterOperator::kAtMost ||
         op == FilterOperator::kGreater || op == FilterOperator::kAtLeast;
}

std::optional<FilterOperator> OperatorOf(const FilterToken& token) {
  constexpr std::pair<std::string_view, FilterOperator> kOperators[] = {
      {"=", FilterOperator::kEqual},   {"!=", FilterOperator::kNotEqual},
      {"<", FilterOperator::kLess},    {"<=", FilterOperator::kAtMost},
      {">", FilterOperator::kGreater}, {">=", FilterOperator::kAtLeast},
      {":", FilterOperator::kHas}};
  if (token.kind != Kind::kSymbol) return std::nullopt;
  for (const auto& [spelling, op] : kOperators) {
    if (token.text == spelling) return op;
  }
  return std::nullopt;
}

// "+02:00" in nanoseconds; nothing where it is none.
std::optional<TimeNs> ReadOffset(std::string_view text) {
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = ReadInteger(text.substr(1, 2));
  const auto minutes = ReadInteger(text.substr(4, 2));
  if (!hours || !minutes || *hours < 0 || *hours > 23 || *minutes < 0 || *minutes > 59) {
    return std::nullopt;
  }
  const TimeNs offset = (*hours * 60 + *minutes) * 60 * kSecond;
  return text[0] == '-' ? -offset : offset;
}

std::optional<TimeNs> ReadTimeWithOffset(std::string_view text) {
  constexpr size_t kOffset = 6;
  if (text.ends_with("Z") || text.size() < 10 + kOffset) return ReadTime(text);
  const auto offset = ReadOffset(text.substr(text.size() - kOffset));
  const auto local = ReadTime(std::string(text.substr(0, text.size() - kOffset)) + "Z");
  if (!offset || !local) return std::nullopt;
  return *local - *offset;
}

bool IsDate(std::string_view text) {
  return text.size() == 10 && ReadTime(text).has_value();
}

absl::StatusOr<FilterLiteral> TextLiteral(const FilterToken& token) {
  if (token.kind != Kind::kString) {
    return FaultAt(token.position, "must be a text in quotation marks");
  }
  if (token.text.empty()) {
    return FaultAt(token.position, "no value is equal to an empty text; NOT field:* asks for none");
  }
  return FilterLiteral(token.text);
}

absl::StatusOr<FilterLiteral> TimeLiteral(const FilterToken& token) {
  const bool may_be = token.kind == Kind::kString || token.kind == Kind::kNumber;
  const auto time = may_be ? ReadTimeWithOffset(token.text) : std::nullopt;
  if (time) return FilterLiteral(*time);
  return FaultAt(token.position, "must be a time such as \"2026-06-30T00:00:00Z\"");
}

absl::StatusOr<FilterLiteral> EnumLiteral(FilterType type, const FilterToken& token) {
  const bool may_be = token.kind == Kind::kString || token.kind == Kind::kWord;
  const auto number = may_be ? FilterEnumNumber(type, token.text) : std::nullopt;
  if (number) return FilterLiteral(*number);
  return FaultAt(token.position, type == FilterType::kKind ? "must be PERSON or ORGANIZATION"
                                                           : "must be WANTED or UNWANTED");
}

absl::StatusOr<FilterLiteral> NumberLiteral(const FilterToken& token, bool decimals) {
  const bool may_be = token.kind == Kind::kNumber;
  if (const auto integer = may_be ? ReadInteger(token.text) : std::nullopt) {
    return FilterLiteral(*integer);
  }
  if (const auto decimal = may_be ? ReadDecimal(token.text) : std::nullopt; decimal && decimals) {
    return FilterLiteral(*decimal);
  }
  return FaultAt(token.position, decimals ? "must be a number such as -2 or 0.25"
                                          : "must be a whole number of at most 64 bits");
}

absl::StatusOr<FilterLiteral> FlagLiteral(const FilterToken& token) {
  if (token.kind == Kind::kWord && (token.text == "true" || token.text == "false")) {
    return FilterLiteral(token.text == "true");
  }
  return FaultAt(token.position, "must be true or false");
}

absl::StatusOr<FilterLiteral> ChoiceLiteral(const FieldDeclaration& declared,
                                            const FilterToken& token) {
  const auto& choices = declared.choices;
  const bool known = std::find(choices.begin(), choices.end(), token.text) != choices.end();
  if (token.kind == Kind::kString && known) return FilterLiteral(token.text);
  return FaultAt(token.position, "must be one of the field's choices, in quotation marks");
}

absl::StatusOr<FilterLiteral> CustomLiteral(const FieldDeclaration& declared,
                                            const FilterToken& token) {
  switch (declared.type) {
    case v1::CustomField::INTEGER:
      return NumberLiteral(token, false);
    case v1::CustomField::NUMBER:
      return NumberLiteral(token, true);
    case v1::CustomField::FLAG:
      return FlagLiteral(token);
    case v1::CustomField::DATE:
      if (token.kind == Kind::kString && IsDate(token.text)) return FilterLiteral(token.text);
      return FaultAt(token.position, "must be a date such as \"2026-06-30\"");
    case v1::CustomField::CHOICE:
      return ChoiceLiteral(declared, token);
    default:
      return TextLiteral(token);
  }
}

// `declared` is there for kCustom.
absl::StatusOr<FilterLiteral> LiteralOf(FilterType type, const FieldDeclaration* declared,
                                        const FilterToken& token) {
  switch (type) {
    case FilterType::kText:
    case FilterType::kCode:
      return TextLiteral(token);
    case FilterType::kTime:
      return TimeLiteral(token);
    case FilterType::kKind:
    case FilterType::kAttitude:
      return EnumLiteral(type, token);
    case FilterType::kCustom:
      return CustomLiteral(*declared, token);
    case FilterType::kMessage:
      break;
  }
  return FaultAt(token.position, "only :* can be asked of this field; compare one of its parts");
}

bool IsOrdered(FilterType type, const FieldDeclaration* declared) {
  if (type != FilterType::kCustom) return type == FilterType::kText || type == FilterType::kTime;
  return declared->type == v1::CustomField::INTEGER || declared->type == v1::CustomField::NUMBER ||
         declared->type == v1::CustomField::DATE;
}

// What is wrong with asking so of the field; empty where nothing is.
std::string_view WrongOperator(const FilterFieldInfo& info, const FieldDeclaration* declared,
                               FilterOperator op) {
  if (info.type == FilterType::kMessage) {
    return "only :* can be asked of this field; compare one of its parts";
  }
  if (op == FilterOperator::kHas) {
    return info.repeated ? "" : "this field has one value at most; compare it by =, or ask :*";
  }
  if (info.repeated) return "this field has several values; ask for one of them by :";
  if (!AsksForOrder(op) || IsOrdered(info.type, declared)) return "";
  return "this field has no order; compare it by = or !=";
}

// One token ahead; one function a rule of the grammar in docs/filters.md.
class Parser {
 public:
  Parser(std::string_view text, const std::vector<FieldDeclaration>& declared)
      : lexer_(kDialect, text), declared_(declared) {}

  absl::StatusOr<ContactFilter> Parse() {
    CRM_RETURN_IF_ERROR(Advance());
    if (token_.kind == Kind::kEnd) return ContactFilter{};
    CRM_ASSIGN_OR_RETURN(ContactFilter filter, Conjunction());
    if (token_.kind != Kind::kEnd) return Fault("must be AND, OR or the end");
    return filter;
  }

 private:
  using Rule = absl::StatusOr<ContactFilter> (Parser::*)();

  absl::StatusOr<ContactFilter> Conjunction() {
    return Chain(ContactFilter::Kind::kAnd, "AND", &Parser::Disjunction);
  }
  absl::StatusOr<ContactFilter> Disjunction() {
    return Chain(ContactFilter::Kind::kOr, "OR", &Parser::Negation);
  }

  absl::StatusOr<ContactFilter> Chain(ContactFilter::Kind kind, std::string_view word,
                                      Rule operand) {
    CRM_ASSIGN_OR_RETURN(ContactFilter first, (this->*operand)());
    if (!IsWord(word)) return first;
    ContactFilter chain{.kind = kind};
    Append(std::move(first), &chain);
    while (IsWord(word)) {
      CRM_RETURN_IF_ERROR(Advance());
      CRM_ASSIGN_OR_RETURN(ContactFilter next, (this->*operand)());
      Append(std::move(next), &chain);
    }
    return chain;
  }

  // A chain in parentheses within one of the same kind is part of it.
  static void Append(ContactFilter operand, ContactFilter* chain) {
    if (operand.kind != chain->kind) {
      chain->children.push_back(std::move(operand));
      return;
    }
    for (ContactFilter& child : operand.children) chain->children.push_back(std::move(child));
  }

  absl::StatusOr<ContactFilter> Negation() {
    if (!IsWord("NOT") && !IsSymbol("-")) return Simple();
    CRM_RETURN_IF_ERROR(Advance());
    CRM_ASSIGN_OR_RETURN(ContactFilter operand, Simple());
    ContactFilter negation{.kind = ContactFilter::Kind::kNot};
    negation.children.push_back(std::move(operand));
    return negation;
  }

  absl::StatusOr<ContactFilter> Simple() {
    if (!IsSymbol("(")) return Restriction();
    if (++depth_ > kMaxFilterDepth) {
      return Fault("parentheses are nested more than " + std::to_string(kMaxFilterDepth) + " deep");
    }
    CRM_RETURN_IF_ERROR(Advance());
    CRM_ASSIGN_OR_RETURN(ContactFilter inner, Conjunction());
    if (!IsSymbol(")")) return Fault("must be AND, OR or )");
    --depth_;
    CRM_RETURN_IF_ERROR(Advance());
    return inner;
  }

  absl::StatusOr<ContactFilter> Restriction() {
    if (token_.kind != Kind::kWord || IsKeyword(token_.text)) return Fault("must be a field");
    const FilterFieldInfo* info = FindFilterField(token_.text);
    if (info == nullptr) {
      return Fault("there is no field of this name; docs/filters.md lists them");
    }
    if (++terms_ > kMaxFilterTerms) {
      return Fault("a filter has at most " + std::to_string(kMaxFilterTerms) + " comparisons");
    }
    ContactFilter filter{.kind = ContactFilter::Kind::kTerm};
    filter.term.field = info->field;
    const FieldDeclaration* declared = nullptr;
    if (info->type == FilterType::kCustom) {
      filter.term.custom_field = CustomFieldOf(token_.text);
      declared = FindDeclared(filter.term.custom_field);
      if (declared == nullptr) return Fault("the tenant declares no such field");
    }
    CRM_RETURN_IF_ERROR(Advance());
    CRM_RETURN_IF_ERROR(Comparison(*info, declared, &filter.term));
    return filter;
  }

  const FieldDeclaration* FindDeclared(const std::string& id) const {
    const auto at = std::find_if(declared_.begin(), declared_.end(),
                                 [&](const FieldDeclaration& each) { return each.id == id; });
    return at == declared_.end() ? nullptr : &*at;
  }

  absl::Status Comparison(const FilterFieldInfo& info, const FieldDeclaration* declared,
                          FilterTerm* term) {
    const auto op = OperatorOf(token_);
    if (!op) return Fault("must be one of = != < <= > >= :");
    const size_t at = token_.position;
    CRM_RETURN_IF_ERROR(Advance());
    if (*op == FilterOperator::kHas && IsSymbol("*")) {
      term->op = FilterOperator::kPresent;
      return Advance();
    }
    if (const auto wrong = WrongOperator(info, declared, *op); !wrong.empty()) {
      return FaultAt(at, wrong);
    }
    term->op = *op;
    CRM_ASSIGN_OR_RETURN(term->literal, LiteralOf(info.type, declared, token_));
    return Advance();
  }

  bool IsWord(std::string_view word) const {
    return token_.kind == Kind::kWord && token_.text == word;
  }
  bool IsSymbol(std::string_view symbol) const {
    return token_.kind == Kind::kSymbol && token_.text == symbol;
  }
  absl::Status Advance() {
    CRM_ASSIGN_OR_RETURN(token_, lexer_.Next());
    return absl::OkStatus();
  }
  absl::Status Fault(std::string_view what) const { return FaultAt(token_.position, what); }

  FilterLexer lexer_;
  const std::vector<FieldDeclaration>& declared_;
  FilterToken token_;
  int depth_ = 0;
  size_t terms_ = 0;
};

}  // namespace

absl::StatusOr<ContactFilter> ParseContactFilter(std::string_view text,
                                                 const std::vector<FieldDeclaration>& declared) {
  if (text.size() > kMaxFilterBytes) {
    return FaultAt(kMaxFilterBytes, "a filter has at most 65536 bytes");
  }
  if (!IsUtf8(text)) return FaultAt(0, "must be UTF-8");
  return Parser(text, declared).Parse();
}

}  // namespace crm::contact
