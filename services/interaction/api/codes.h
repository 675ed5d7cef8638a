#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crm::interaction {

// A currency of ISO 4217 that has a number there, also of the past, in upper case. Nothing for any
// other text, and for the codes of no currency (XXX) and of tests (XTS). Thread-safe, as all below.
std::optional<std::string> NormaliseCurrency(std::string_view code);

// Not empty, and printable characters without blanks only. `key` is well-formed UTF-8.
bool IsProductKey(std::string_view key);

// [a-z][a-z0-9_-]*
bool IsChannel(std::string_view channel);

bool HasControlCharacter(std::string_view text);

}  // namespace crm::interaction
