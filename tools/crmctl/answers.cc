#include "tools/crmctl/answers.h"

#include <fmt/format.h>
#include <unicode/ucurr.h>
#include <unicode/unistr.h>

#include <cmath>

namespace crm::crmctl {
Table::Column Right(const char* heading) {
  return {heading, Table::Align::kRight};
}

int CurrencyDecimals(const std::string& currency) {
  icu::UnicodeString code = icu::UnicodeString::fromUTF8(currency);
  UErrorCode error = U_ZERO_ERROR;
  const int digits = ucurr_getDefaultFractionDigits(code.getTerminatedBuffer(), &error);
  return U_SUCCESS(error) ? digits : 2;
}

std::string MoneyText(int64_t minor, const std::string& currency) {
  const int decimals = CurrencyDecimals(currency);
  int64_t unit = 1;
  for (int i = 0; i < decimals; ++i) unit *= 10;
  const std::string sign = minor < 0 ? "-" : "";
  const int64_t whole = std::abs(minor / unit);
  const int64_t rest = std::abs(minor % unit);
  const std::string text = sign + WithThousands(whole);
  if (decimals == 0) return text + " " + currency;
  return fmt::format("{}.{:0{}} {}", text, rest, decimals, currency);
}

std::string PercentText(double share) {
  return fmt::format("{:.2f} %", share * 100);
}

std::string EnumText(const std::string& name) {
  std::string text = name;
  for (char& c : text) {
    if (c == '_') c = ' ';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

}  // namespace crm::crmctl
