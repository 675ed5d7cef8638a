#include "tools/crmctl/report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

constexpr char kDash[] = "\u2013";
constexpr char kMinus[] = "\u2212";
constexpr char kNoBreakSpace[] = "\u00A0";
// Beyond it a double is no whole number of minor units.
constexpr double kMostExact = 9e15;

// The calendar's years 1 to 9999.
constexpr int32_t kFirstDay = -719'162;
constexpr int32_t kLastDay = 2'932'896;

int64_t PowerOfTen(int digits) {
  int64_t power = 1;
  for (int i = 0; i < digits; ++i) power *= 10;
  return power;
}

}  // namespace

std::string Decimal(double number, int digits) {
  if (!std::isfinite(number)) return kDash;
  return fmt::format("{:.{}f}", number, digits);
}

std::string Percent(double share, int digits) {
  if (!std::isfinite(share)) return kDash;
  return Decimal(100 * share, digits) + kNoBreakSpace + "%";
}

std::string Rate(int64_t responses, int64_t sends) {
  if (sends <= 0) return kDash;
  return Percent(static_cast<double>(responses) / static_cast<double>(sends));
}

std::string Money(const Currency& currency, int64_t amount_minor) {
  const int digits = std::min(std::max(currency.minor_digits, 0), 9);
  const int64_t unit = PowerOfTen(digits);
  std::string text = WithThousands(amount_minor / unit);
  if (text.starts_with('-')) text.erase(0, 1);
  if (digits > 0) text += fmt::format(".{:0{}}", std::abs(amount_minor % unit), digits);
  if (amount_minor < 0) text.insert(0, kMinus);
  return text + kNoBreakSpace + currency.code;
}

std::string Money(const Currency& currency, double amount_minor) {
  if (!std::isfinite(amount_minor) || std::abs(amount_minor) > kMostExact) return kDash;
  return Money(currency, static_cast<int64_t>(std::llround(amount_minor)));
}

std::string Date(int32_t day) {
  if (day < kFirstDay || day > kLastDay) return kDash;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace crm::crmctl
