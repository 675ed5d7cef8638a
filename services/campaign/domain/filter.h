#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/filter/lexer.h"
#include "services/campaign/domain/facts.h"

// The language of segments: which contacts, by what is known of them (docs/segments.md). It has no
// clock, so whether a contact matches is a function of facts alone.
namespace crm::campaign {

// Bytes of a filter's text; parentheses and NOTs within one another; literals of one `in`.
inline constexpr size_t kMaxFilterBytes = 65536;
inline constexpr int kMaxFilterDepth = 64;
inline constexpr size_t kMaxFilterList = 1000;

// What a term asks about; in the order of the table in filter_fields.cc.
enum class Field : uint8_t {
  kKind,
  kLanguageCode,
  kRegionCode,
  kTimeZone,
  kTag,
  kCreated,
  kStage,
  kConsent,
  kOrdersCount,
  kOrdersAmount,
  kOrdersFirstTime,
  kOrdersLastTime,
  kOrdersProduct,
  kRfmScore,
  kRfmRecency,
  kRfmFrequency,
  kRfmMonetary,
  kRfmRecencyDays,
  kRfmOrders,
  kRfmAmount,
  kValueRepeatPurchases,
  kValueAliveProbability,
  kValueExpectedPurchases,
  kValueExpectedSpend,
  kValueLifetimeValue,
  kSegment,
};

enum class Operator : uint8_t {
  kHolds,
  kEqual,
  kNotEqual,
  kLess,
  kAtMost,
  kGreater,
  kAtLeast,
  kIn
};

// A literal, of the field's type: integers, times (nanoseconds since 1970) and numbers of enums;
// decimals; strings.
using Literal = std::variant<int64_t, double, std::string>;

struct Term {
  Field field = Field::kKind;
  // "EUR" of orders.amount("EUR"); purpose and channel of a consent.
  std::vector<std::string> arguments;
  Operator op = Operator::kHolds;
  // None for kHolds, one for comparisons, sorted and without repeats for kIn.
  std::vector<Literal> literals;
  bool operator==(const Term&) const = default;
};

// A filter as a tree. A plain value; what ParseFilter answers is typed, no deeper than the limits
// allow, and no kAnd or kOr has a child of its own kind or fewer than two.
struct Filter {
  enum class Kind : uint8_t { kTerm, kAnd, kOr, kNot };
  Kind kind = Kind::kTerm;
  Term term;
  std::vector<Filter> children;
  bool operator==(const Filter&) const = default;
};

// INVALID_ARGUMENT (FILTER_INVALID) with field `segment.filter`, what is wrong, and in the
// metadata's `position` the byte at which it was noticed.
absl::StatusOr<Filter> ParseFilter(std::string_view text);

// The one canonical text: ParseFilter(PrintFilter(f)) == f for every f that ParseFilter answers.
std::string PrintFilter(const Filter& filter);

// Whether the contact is in a segment, as a filter that refers to it sees it.
using IsIn = std::function<bool(std::string_view segment)>;

// Whether the facts match. A comparison with a fact that is not known is false, whatever the
// operator. Pure; takes time linear in the filter.
bool Matches(const Filter& filter, const ContactFacts& facts, const IsIn& is_in);

// What a filter looks at.
struct FilterReads {
  FactsNeeded facts;
  // Names of segments, sorted, without repeats.
  std::vector<std::string> segments;
};
FilterReads ReadsOf(const Filter& filter);

}  // namespace crm::campaign
