#include "services/campaign/domain/filter_lexer.h"

#include <utility>

#include "common/base/status.h"
#include "services/campaign/domain/filter.h"

namespace crm::campaign {
namespace {

// Longer numbers are none that a fact could have.
constexpr size_t kMaxNumber = 32;

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

}  // namespace

absl::Status FilterFault(size_t position, std::string_view what) {
  const std::string message = "at byte " + std::to_string(position) + ": " + std::string(what);
  absl::Status status =
      Error(absl::StatusCode::kInvalidArgument, kFilterInvalid, "segment.filter: " + message,
            {{"position", std::to_string(position)}});
  InvalidField("segment.filter", message)
      .ForEachPayload([&](absl::string_view url, const absl::Cord& detail) {
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
  if (IsDigit(c) || c == '-') return Number();
  if (c == '"') return String();
  return Symbol();
}

template <typename Belongs>
FilterToken FilterLexer::Take(Kind kind, Belongs belongs) {
  const size_t begin = at_++;
  while (at_ < text_.size() && belongs(text_[at_])) ++at_;
  return {kind, std::string(text_.substr(begin, at_ - begin)), begin};
}

absl::StatusOr<FilterToken> FilterLexer::Number() {
  FilterToken token = Take(Kind::kNumber, [](char c) { return IsDigit(c) || c == '.'; });
  if (token.text.size() > kMaxNumber) return FilterFault(token.position, "the number is too long");
  return token;
}

absl::StatusOr<FilterToken> FilterLexer::String() {
  FilterToken token{Kind::kString, "", at_++};
  while (at_ < text_.size()) {
    char c = text_[at_++];
    if (c == '"') return token;
    if (static_cast<unsigned char>(c) < 0x20) {
      return FilterFault(at_ - 1, "a string holds no control characters");
    }
    if (c == '\\') {
      if (at_ == text_.size()) break;
      c = text_[at_++];
      if (c != '"' && c != '\\') return FilterFault(at_ - 1, "a backslash stands before \" or \\");
    }
    token.text.push_back(c);
  }
  return FilterFault(token.position, "the string has no end");
}

absl::StatusOr<FilterToken> FilterLexer::Symbol() {
  for (const std::string_view symbol : {"!=", "<=", ">=", "=", "<", ">", "(", ")", ","}) {
    if (!text_.substr(at_).starts_with(symbol)) continue;
    const size_t begin = std::exchange(at_, at_ + symbol.size());
    return FilterToken{Kind::kSymbol, std::string(symbol), begin};
  }
  return FilterFault(at_, "this character has no place here");
}

}  // namespace crm::campaign
