#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace crm::campaign {

struct FilterToken {
  enum class Kind : uint8_t { kEnd, kWord, kNumber, kString, kSymbol };
  Kind kind = Kind::kEnd;
  // A string's content; else as written.
  std::string text;
  // Byte of the filter at which it begins.
  size_t position = 0;
};

// The fault of a filter, as ParseFilter answers it.
absl::Status FilterFault(size_t position, std::string_view what);

// Splits a filter into words, numbers, strings and symbols. Not thread-safe; the text outlives it.
class FilterLexer {
 public:
  explicit FilterLexer(std::string_view text) : text_(text) {}

  // kEnd from the end on.
  absl::StatusOr<FilterToken> Next();

 private:
  template <typename Belongs>
  FilterToken Take(FilterToken::Kind kind, Belongs belongs);
  absl::StatusOr<FilterToken> Number();
  absl::StatusOr<FilterToken> String();
  absl::StatusOr<FilterToken> Symbol();

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace crm::campaign
