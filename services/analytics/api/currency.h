#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crm::analytics {

struct Currency {
  // Upper case.
  std::string code;
  // In a unit of the currency: 100 for USD, 1 for JPY.
  int64_t minor_per_unit = 1;
};

// A currency of ISO 4217; nothing for any other text. Minor units are those of CLDR. Thread-safe.
std::optional<Currency> FindCurrency(std::string_view code);

}  // namespace crm::analytics
