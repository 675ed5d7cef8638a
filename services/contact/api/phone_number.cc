#include "services/contact/api/phone_number.h"

#include <phonenumbers/phonenumberutil.h>

#include <array>
#include <string>

namespace crm::contact {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace {

// What is dialled before national numbers of a country code, maybe nothing; none where there is no
// such code.
const std::optional<std::string>& TrunkPrefix(int code) {
  static const auto kPrefixes = [] {
    std::array<std::optional<std::string>, 1000> prefixes;
    const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
    for (int each = 1; each < static_cast<int>(prefixes.size()); ++each) {
      std::string region;
      library.GetRegionCodeForCountryCode(each, &region);
      if (region == "ZZ") continue;
      std::string prefix;
      library.GetNddPrefixForRegion(region, true, &prefix);
      prefixes[static_cast<size_t>(each)] = std::move(prefix);
    }
    return prefixes;
  }();
  return kPrefixes[static_cast<size_t>(code)];
}

// Whether a number is written as E.164 has it already, so that the library's parser, which is built
// on regular expressions, has nothing to do: a known country code, then as many digits as numbers
// there may have, no trunk prefix before them. Everything else is the parser's.
bool IsE164(std::string_view text, const PhoneNumberUtil& library) {
  // Shorter ones are where the parser mends most: local numbers without their area.
  constexpr size_t kMinDigits = 10;
  constexpr size_t kMaxDigits = 15;
  if (text.size() < 1 + kMinDigits || text.size() > 1 + kMaxDigits || text[0] != '+') return false;
  const std::string digits(text.substr(1));
  if (digits.find_first_not_of("0123456789") != std::string::npos) return false;
  for (size_t length = 1; length <= 3; ++length) {
    const int code = std::stoi(digits.substr(0, length));
    const std::optional<std::string>& trunk = TrunkPrefix(code);
    if (!trunk.has_value()) continue;
    const std::string national = digits.substr(length);
    if (national[0] == '0' || (!trunk->empty() && national.starts_with(*trunk))) return false;
    PhoneNumber number;
    number.set_country_code(code);
    number.set_national_number(std::stoull(national));
    return library.IsPossibleNumber(number);
  }
  return false;
}

}  // namespace

std::optional<std::string> NormalisePhone(std::string_view text, std::string_view region) {
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
  if (IsE164(text, library)) return std::string(text);
  PhoneNumber number;
  const std::string where(region.empty() ? "ZZ" : region);
  if (library.Parse(std::string(text), where, &number) != PhoneNumberUtil::NO_PARSING_ERROR) {
    return std::nullopt;
  }
  if (number.has_extension() || !library.IsPossibleNumber(number)) return std::nullopt;
  std::string e164;
  library.Format(number, PhoneNumberUtil::E164, &e164);
  return e164;
}

}  // namespace crm::contact
