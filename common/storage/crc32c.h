#pragma once

#include <cstdint>
#include <string_view>

namespace crm {

// CRC-32C (Castagnoli) of the bytes; in hardware where there is an instruction.
uint32_t Crc32c(std::string_view bytes);

}  // namespace crm
