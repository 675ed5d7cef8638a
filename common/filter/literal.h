#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

// How literals of filters are written, character by character.
namespace crm {

// Nothing where the text is no such number or 64 bits do not hold it.
std::optional<int64_t> ReadInteger(std::string_view text);
// Digits, and a point between digits; between -10^18 and 10^18.
std::optional<double> ReadDecimal(std::string_view text);
// "2017-06-30" (midnight) or "2017-06-30T08:00:00Z", with up to nine digits behind the seconds; a
// day of the Gregorian calendar in the years 1700 to 2261.
std::optional<TimeNs> ReadTime(std::string_view text);

// Each in the one form that is read back as the same.
std::string WriteDecimal(double value);
std::string WriteTime(TimeNs time);
// In quotation marks, with \" and \\.
std::string WriteString(std::string_view text);

}  // namespace crm
