#include "services/interaction/api/codes.h"

#include <unicode/uchar.h>
#include <unicode/ucurr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>

namespace crm::interaction {
namespace {

constexpr size_t kCurrencyLetters = 3;

bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}

char Upper(char c) {
  return IsLower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

// ICU searches a list for each question; orders ask the same of a few currencies.
bool IsKnown(const std::string& code) {
  thread_local std::string last_known;
  if (code == last_known) return true;
  std::array<UChar, kCurrencyLetters + 1> wide{};
  std::copy(code.begin(), code.end(), wide.begin());
  if (ucurr_getNumericCode(wide.data()) == 0) return false;
  last_known = code;
  return true;
}

}  // namespace

std::optional<std::string> NormaliseCurrency(std::string_view code) {
  std::string upper(code);
  std::transform(upper.begin(), upper.end(), upper.begin(), Upper);
  const bool letters =
      std::all_of(upper.begin(), upper.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (upper.size() != kCurrencyLetters || !letters) return std::nullopt;
  if (upper == "XXX" || upper == "XTS" || !IsKnown(upper)) return std::nullopt;
  return upper;
}

bool IsProductKey(std::string_view key) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(key.data());
  const auto size = static_cast<int32_t>(key.size());
  for (int32_t at = 0; at < size;) {
    UChar32 c = 0;
    U8_NEXT(bytes, at, size, c);
    if (c < 0 || !u_isgraph(c)) return false;
  }
  return !key.empty();
}

bool IsChannel(std::string_view channel) {
  if (channel.empty() || !IsLower(channel.front())) return false;
  return std::all_of(channel.begin(), channel.end(), [](char c) {
    return IsLower(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace crm::interaction
