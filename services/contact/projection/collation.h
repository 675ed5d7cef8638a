#pragma once

#include <string>
#include <string_view>

namespace crm::contact {

// Bytes whose order is the order of `text` in Unicode root collation: without zero bytes, at most
// 256, empty for an empty text. `text` is UTF-8. Thread-safe.
std::string CollationKey(std::string_view text);

// Changes when the same text may get another key. 24 bits.
int CollationVersion();

}  // namespace crm::contact
