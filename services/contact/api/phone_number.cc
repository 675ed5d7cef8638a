#include "services/contact/api/phone_number.h"

#include <phonenumbers/phonenumberutil.h>

namespace crm::contact {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

std::optional<std::string> NormalisePhone(std::string_view text, std::string_view region) {
  const PhoneNumberUtil& library = *PhoneNumberUtil::GetInstance();
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
