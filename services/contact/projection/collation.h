#pragma once

#include <string>
#include <string_view>

namespace crm::contact {

// Bytes whose order is the order of `text` in Unicode root collation: without zero bytes, at most
// 256, empty for an empty text. `text` is UTF-8. Thread-safe.
std::string CollationKey(std::string_view text);

// Less than, equal to or greater than 0 as `a` comes before, with or after `b`. Thread-safe.
int CompareCollated(std::string_view a, std::string_view b);

// Changes when the same text may get another key. 24 bits.
int CollationVersion();

}  // namespace crm::contact
