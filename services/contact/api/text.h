#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crm::contact {

// One line of text as it is kept: Unicode NFC, without white space around it. Nothing where it
// holds a control character. `text` is well-formed UTF-8. Idempotent. Thread-safe, as all below.
std::optional<std::string> NormaliseText(std::string_view text);

// A well-formed BCP 47 tag in canonical form ("DE-ch" -> "de-CH", "iw" -> "he").
std::optional<std::string> NormaliseLanguage(std::string_view tag);

// An assigned ISO 3166-1 alpha-2 code in upper case, or AC or TA, which are reserved for islands
// with phone numbers of their own.
std::optional<std::string> NormaliseRegion(std::string_view code);

// A name of the IANA time zone database, as written: links ("Asia/Calcutta") are names too, and
// none is preferred. Abbreviations that are no names there, and offsets such as "GMT+2", are
// refused.
std::optional<std::string> NormaliseTimeZone(std::string_view name);

}  // namespace crm::contact
