#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>

#include "common/config/option_table.h"

namespace crm {
namespace {

absl::Status MustBe(const std::string& what) {
  return absl::InvalidArgumentError("must be " + what);
}

// The whole text as a number.
template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

struct Unit {
  std::string_view name;
  int shift;
};
constexpr std::array<Unit, 6> kUnits{
    {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};

bool ParseSize(std::string_view text, int64_t* out) {
  const size_t digits = text.find_first_not_of("0123456789");
  std::string_view unit = digits == std::string_view::npos ? "" : text.substr(digits);
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(),
                                   [&](const Unit& known) { return known.name == unit; });
  int64_t number = 0;
  if (found == kUnits.end() || !ParseNumber(text.substr(0, digits), &number)) return false;
  if (number > INT64_MAX >> found->shift) return false;
  *out = number << found->shift;
  return true;
}

std::string SizeText(int64_t bytes) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    const int64_t one = int64_t{1} << unit->shift;
    if (bytes >= one && bytes % one == 0) return fmt::format("{}{}", bytes / one, unit->name);
  }
  return fmt::format("{}B", bytes);
}

constexpr std::array<std::pair<std::string_view, int64_t>, 3> kDurations{
    {{"ms", 1'000'000}, {"s", 1'000'000'000}, {"min", 60'000'000'000}}};

bool ParseDuration(std::string_view text, int64_t* out) {
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) return false;
  std::string_view unit = text.substr(digits);
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  int64_t number = 0;
  if (!ParseNumber(text.substr(0, digits), &number)) return false;
  for (const auto& [name, one] : kDurations) {
    if (unit != name || number > INT64_MAX / one) continue;
    *out = number * one;
    return true;
  }
  return false;
}

std::string DurationText(int64_t nanoseconds) {
  for (auto unit = kDurations.rbegin(); unit != kDurations.rend(); ++unit) {
    if (nanoseconds >= unit->second && nanoseconds % unit->second == 0) {
      return fmt::format("{}{}", nanoseconds / unit->second, unit->first);
    }
  }
  return fmt::format("{}ns", nanoseconds);
}

bool IsAddress(const std::string& text) {
  static const std::regex* const form =
      new std::regex(R"((\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+|\*):([0-9]{1,5}))");
  std::smatch match;
  if (!std::regex_match(text, match, *form)) return false;
  int port = 0;
  return ParseNumber(std::string_view(text).substr(static_cast<size_t>(match.position(2))),
                     &port) &&
         port <= 65535;
}

}  // namespace

SetOption SetText(std::string* target) {
  return [=](const std::string& value) {
    *target = value;
    return absl::OkStatus();
  };
}

SetOption SetInteger(int* target, int min, int max) {
  return [=](const std::string& value) {
    int number = 0;
    if (!ParseNumber(std::string_view(value), &number) || number < min || number > max) {
      return MustBe(fmt::format("a whole number from {} to {}", min, max));
    }
    *target = number;
    return absl::OkStatus();
  };
}

SetOption SetSize(int64_t* target, int64_t min) {
  return [=](const std::string& value) {
    int64_t bytes = 0;
    if (!ParseSize(value, &bytes) || bytes < min) {
      return MustBe(fmt::format(
          "a size of at least {}, such as 512MiB (units B, KiB, MiB, GiB, TiB)", SizeText(min)));
    }
    *target = bytes;
    return absl::OkStatus();
  };
}

SetOption SetYesOrNo(bool* target) {
  return [=](const std::string& value) {
    if (value != "true" && value != "false") return MustBe("true or false");
    *target = value == "true";
    return absl::OkStatus();
  };
}

SetOption SetDuration(int64_t* target, int64_t min, int64_t max) {
  return [=](const std::string& value) {
    int64_t time = 0;
    if (!ParseDuration(value, &time) || time < min || time > max) {
      return MustBe(fmt::format("a time from {} to {}, such as 10s (units ms, s, min)",
                                DurationText(min), DurationText(max)));
    }
    *target = time;
    return absl::OkStatus();
  };
}

SetOption SetAddresses(std::string* target) {
  return [=](const std::string& value) {
    size_t from = 0;
    while (from <= value.size()) {
      const size_t comma = std::min(value.find(',', from), value.size());
      const std::string one = value.substr(from, comma - from);
      if (!IsAddress(one) || one.ends_with(":0") || one.starts_with('*')) {
        return MustBe("addresses such as broker-1:9092,broker-2:9092");
      }
      from = comma + 1;
    }
    *target = value;
    return absl::OkStatus();
  };
}

SetOption SetAddress(std::string* target) {
  return [=](const std::string& value) {
    if (!IsAddress(value)) {
      return MustBe(
          "host:port or [IPv6]:port with a port from 0 to 65535, such as 127.0.0.1:50051");
    }
    *target = value;
    return absl::OkStatus();
  };
}

SetOption SetChoice(std::string* target, std::vector<std::string> allowed) {
  return [target, allowed = std::move(allowed)](const std::string& value) {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      return MustBe(fmt::format("one of: {}", fmt::join(allowed, ", ")));
    }
    *target = value;
    return absl::OkStatus();
  };
}

SetOption SetMatching(std::string* target, const std::string& expression, std::string description) {
  return [target, form = std::regex(expression, std::regex::extended),
          description = std::move(description)](const std::string& value) {
    if (!std::regex_match(value, form)) return MustBe(description);
    *target = value;
    return absl::OkStatus();
  };
}

}  // namespace crm
