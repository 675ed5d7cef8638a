#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace crm::crmctl {

// A decimal number ("12.5", "-3", "4.440892e-16") as minor units of a currency with `decimals`
// digits behind the point. Nothing where the cell is no number, does not fit in 64 bits, or lies
// further than a millionth of a unit from a whole one: residues of floating point are mended,
// amounts are not rounded.
std::optional<int64_t> ParseAmount(std::string_view cell, int decimals);

// A whole number in decimal digits.
std::optional<int64_t> ParseWhole(std::string_view cell);

// "2017-01-28", "2017-01-28 14:06:53" (both UTC) or RFC 3339.
std::optional<google::protobuf::Timestamp> ParseTime(std::string_view cell);

}  // namespace crm::crmctl
