#include "services/analytics/api/currency.h"

#include <unicode/ucurr.h>

#include <algorithm>
#include <array>

namespace crm::analytics {
namespace {

constexpr size_t kLetters = 3;

char Upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::optional<Currency> FindCurrency(std::string_view code) {
  Currency currency;
  currency.code = code;
  std::transform(code.begin(), code.end(), currency.code.begin(), Upper);
  const bool letters = std::all_of(currency.code.begin(), currency.code.end(),
                                   [](char c) { return c >= 'A' && c <= 'Z'; });
  if (code.size() != kLetters || !letters) return std::nullopt;
  std::array<UChar, kLetters + 1> wide{};
  std::copy(currency.code.begin(), currency.code.end(), wide.begin());
  if (ucurr_getNumericCode(wide.data()) == 0) return std::nullopt;
  UErrorCode error = U_ZERO_ERROR;
  int digits = ucurr_getDefaultFractionDigits(wide.data(), &error);
  if (U_FAILURE(error)) return std::nullopt;
  for (; digits > 0; --digits) currency.minor_per_unit *= 10;
  return currency;
}

}  // namespace crm::analytics
