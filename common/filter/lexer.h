#pragma once

#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

// What the filter languages have in common: how a text falls into words, numbers, strings and
// symbols, and how its faults are told.
namespace crm {

inline constexpr std::string_view kFilterInvalid = "FILTER_INVALID";

struct FilterToken {
  enum class Kind : uint8_t { kEnd, kWord, kNumber, kString, kSymbol };
  Kind kind = Kind::kEnd;
  // A string's content; else as written.
  std::string text;
  // Byte of the filter at which it begins.
  size_t position = 0;
};

struct FilterDialect {
  // The request's field that the filter stands in; named by faults.
  std::string_view field;
  // Of two that begin alike the longer one first.
  std::span<const std::string_view> symbols;
  // Characters that begin and end a string.
  std::string_view quotes = "\"";
  // A number goes on over the characters of an RFC 3339 time.
  bool times_without_quotes = false;
};

// INVALID_ARGUMENT (FILTER_INVALID) with the dialect's field, what is wrong, and in the metadata's
// `position` the byte at which it was noticed.
absl::Status FilterFault(const FilterDialect& dialect, size_t position, std::string_view what);

// Splits a filter into tokens. Not thread-safe; text and dialect outlive it.
class FilterLexer {
 public:
  FilterLexer(const FilterDialect& dialect, std::string_view text)
      : dialect_(dialect), text_(text) {}

  // kEnd from the end on.
  absl::StatusOr<FilterToken> Next();

 private:
  template <typename Belongs>
  FilterToken Take(FilterToken::Kind kind, Belongs belongs);
  bool BeginsNumber() const;
  absl::StatusOr<FilterToken> Number();
  absl::StatusOr<FilterToken> String();
  absl::StatusOr<FilterToken> Symbol();

  const FilterDialect& dialect_;
  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace crm
