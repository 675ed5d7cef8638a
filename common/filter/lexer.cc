#include "common/filter/lexer.h"

#include <utility>

#include "common/base/status.h"

namespace crm {
namespace {

// Longer numbers and times are none that a value could have.
constexpr size_t kMaxNumber = 40;

using Kind = FilterToken::Kind;

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool IsOfTime(char c) {
  return c == ':' || c == '-' || c == '+' || c == 'T' || c == 'Z';
}

}  // namespace

absl::Status FilterFault(const FilterDialect& dialect, size_t position, std::string_view what) {
  const std::string field(dialect.field);
  const std::string message = "at byte " + std::to_string(position) + ": " + std::string(what);
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, kFilterInvalid,
                              field + ": " + message, {{"position", std::to_string(position)}});
  InvalidField(field, message).ForEachPayload([&](absl::string_view url, const absl::Cord& detail) {
    if (!status.GetPayload(url)) status.SetPayload(url, detail);
  });
  return status;
}

absl::StatusOr<FilterToken> FilterLexer::Next() {
  while (at_ < text_.size() && IsBlank(text_[at_])) ++at_;
  if (at_ == text_.size()) return FilterToken{Kind::kEnd, "", at_};
  const char c = text_[at_];
  if (IsLetter(c)) {
    return Take(Kind::kWord, [](char d) { return IsLetter(d) || IsDigit(d) || d == '.'; });
  }
  if (BeginsNumber()) return Number();
  if (dialect_.quotes.find(c) != std::string_view::npos) return String();
  return Symbol();
}

template <typename Belongs>
FilterToken FilterLexer::Take(Kind kind, Belongs belongs) {
  const size_t begin = at_++;
  while (at_ < text_.size() && belongs(text_[at_])) ++at_;
  return {kind, std::string(text_.substr(begin, at_ - begin)), begin};
}

bool FilterLexer::BeginsNumber() const {
  if (IsDigit(text_[at_])) return true;
  return text_[at_] == '-' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1]);
}

absl::StatusOr<FilterToken> FilterLexer::Number() {
  FilterToken token = Take(Kind::kNumber, [this](char c) {
    return IsDigit(c) || c == '.' || (dialect_.times_without_quotes && IsOfTime(c));
  });
  if (token.text.size() <= kMaxNumber) return token;
  return FilterFault(dialect_, token.position, "the number is too long");
}

absl::StatusOr<FilterToken> FilterLexer::String() {
  const char quote = text_[at_];
  FilterToken token{Kind::kString, "", at_++};
  while (at_ < text_.size()) {
    char c = text_[at_++];
    if (c == quote) return token;
    if (static_cast<unsigned char>(c) < 0x20) {
      return FilterFault(dialect_, at_ - 1, "a string holds no control characters");
    }
    if (c == '\\') {
      if (at_ == text_.size()) break;
      c = text_[at_++];
      if (c != '\\' && dialect_.quotes.find(c) == std::string_view::npos) {
        return FilterFault(dialect_, at_ - 1,
                           "a backslash stands before a quotation mark or another backslash");
      }
    }
    token.text.push_back(c);
  }
  return FilterFault(dialect_, token.position, "the string has no end");
}

absl::StatusOr<FilterToken> FilterLexer::Symbol() {
  for (const std::string_view symbol : dialect_.symbols) {
    if (!text_.substr(at_).starts_with(symbol)) continue;
    const size_t begin = std::exchange(at_, at_ + symbol.size());
    return FilterToken{Kind::kSymbol, std::string(symbol), begin};
  }
  return FilterFault(dialect_, at_, "this character has no place here");
}

}  // namespace crm
