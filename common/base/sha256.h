#pragma once

#include <string>
#include <string_view>

namespace crm {

// SHA-256 in lower-case hex, 64 digits.
std::string Sha256Hex(std::string_view bytes);

}  // namespace crm
