#include "tools/crmctl/cell_values.h"

#include <google/protobuf/util/time_util.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace crm::crmctl {
namespace {

// More digits than 64 bits hold are no amount.
constexpr size_t kMaxDigits = 18;
constexpr int kMaxExponent = 400;
constexpr long double kResidue = 1e-6L;

struct Decimal {
  int64_t mantissa = 0;
  int exponent = 0;
};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Digits around a point, without sign and exponent.
std::optional<Decimal> ParseMantissa(std::string_view text) {
  Decimal decimal;
  size_t digits = 0;
  bool point = false;
  bool any = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!IsDigit(c)) return std::nullopt;
    any = true;
    if (decimal.mantissa != 0 || c != '0') ++digits;
    if (digits > kMaxDigits) return std::nullopt;
    decimal.mantissa = decimal.mantissa * 10 + (c - '0');
    if (point) --decimal.exponent;
  }
  if (!any) return std::nullopt;
  return decimal;
}

std::optional<Decimal> ParseDecimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const size_t e = text.find_first_of("eE");
  std::optional<Decimal> decimal = ParseMantissa(text.substr(0, e));
  if (!decimal) return std::nullopt;
  if (e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    const std::optional<int64_t> parsed = ParseWhole(exponent);
    if (!parsed || std::abs(*parsed) > kMaxExponent) return std::nullopt;
    decimal->exponent += static_cast<int>(*parsed);
  }
  if (negative) decimal->mantissa = -decimal->mantissa;
  return decimal;
}

std::optional<int64_t> TimesPowerOfTen(int64_t value, int power) {
  for (int i = 0; i < power && value != 0; ++i) {
    if (__builtin_mul_overflow(value, int64_t{10}, &value)) return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<int64_t> ParseWhole(std::string_view cell) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseAmount(std::string_view cell, int decimals) {
  const std::optional<Decimal> decimal = ParseDecimal(cell);
  if (!decimal) return std::nullopt;
  const int power = decimal->exponent + decimals;
  if (power >= 0) return TimesPowerOfTen(decimal->mantissa, power);
  const long double exact = static_cast<long double>(decimal->mantissa) /
                            std::pow(10.0L, static_cast<long double>(-power));
  const long double whole = std::round(exact);
  if (std::fabs(exact - whole) > kResidue) return std::nullopt;
  return static_cast<int64_t>(whole);
}

std::optional<google::protobuf::Timestamp> ParseTime(std::string_view cell) {
  constexpr size_t kDate = 10;
  std::string text(cell);
  if (text.size() == kDate) text += "T00:00:00Z";
  if (text.size() > kDate && text[kDate] == ' ') {
    text[kDate] = 'T';
    text += 'Z';
  }
  google::protobuf::Timestamp time;
  if (!google::protobuf::util::TimeUtil::FromString(text, &time)) return std::nullopt;
  return time;
}

}  // namespace crm::crmctl
