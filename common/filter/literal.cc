#include "common/filter/literal.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

namespace crm {
namespace {

// Larger ones would be written with more digits than they are read with.
constexpr double kMaxDecimal = 1e18;

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Digits only, few enough for an int.
std::optional<int> Digits(std::string_view text, size_t count) {
  if (text.size() != count || !AllDigits(text)) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<std::chrono::sys_days> ReadDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = Digits(text.substr(0, 4), 4);
  const auto month = Digits(text.substr(5, 2), 2);
  const auto day = Digits(text.substr(8, 2), 2);
  if (!year || !month || !day || *year < 1700 || *year > 2261) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// ".5" -> 500,000,000; nothing behind the seconds is 0.
std::optional<int64_t> ReadFraction(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] != '.' || text.size() > 10 || !AllDigits(text.substr(1))) return std::nullopt;
  std::string digits(text.substr(1));
  digits.resize(9, '0');
  return *Digits(digits, 9);
}

// "T08:00:00.5Z", in nanoseconds since midnight.
std::optional<int64_t> ReadTimeOfDay(std::string_view text) {
  if (text.size() < 10 || text[0] != 'T' || text[3] != ':' || text[6] != ':') return std::nullopt;
  if (text.back() != 'Z') return std::nullopt;
  const auto hour = Digits(text.substr(1, 2), 2);
  const auto minute = Digits(text.substr(4, 2), 2);
  const auto second = Digits(text.substr(7, 2), 2);
  const auto fraction = ReadFraction(text.substr(9, text.size() - 10));
  if (!hour || !minute || !second || !fraction) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return (*hour * 3600 + *minute * 60 + *second) * kSecond + *fraction;
}

std::string Padded(int64_t value, size_t digits) {
  std::string text = std::to_string(value);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

}  // namespace

std::optional<int64_t> ReadInteger(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

std::optional<double> ReadDecimal(std::string_view text) {
  std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const size_t point = digits.find('.');
  if (!AllDigits(digits.substr(0, point))) return std::nullopt;
  if (point != std::string_view::npos && !AllDigits(digits.substr(point + 1))) return std::nullopt;
  double value = 0;
  const auto [at, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !(std::abs(value) < kMaxDecimal)) return std::nullopt;
  // One zero: -0 would be written otherwise.
  return value == 0 ? 0.0 : value;
}

std::optional<TimeNs> ReadTime(std::string_view text) {
  const auto day = ReadDay(text.substr(0, 10));
  if (!day) return std::nullopt;
  const TimeNs midnight =
      std::chrono::duration_cast<std::chrono::nanoseconds>(day->time_since_epoch()).count();
  if (text.size() == 10) return midnight;
  const auto time_of_day = ReadTimeOfDay(text.substr(10));
  if (!time_of_day) return std::nullopt;
  return midnight + *time_of_day;
}

std::string WriteDecimal(double value) {
  // The longest is a denormal: sign, "0." and about 1,100 digits at most.
  char text[1200];
  const auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed);
  return error == std::errc() ? std::string(text, end) : "0";
}

std::string WriteTime(TimeNs time) {
  const std::chrono::sys_time<std::chrono::nanoseconds> at{std::chrono::nanoseconds(time)};
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(midnight);
  const int64_t nanos = (at - midnight).count();
  const int64_t seconds = nanos / kSecond;
  std::string text = Padded(static_cast<int>(date.year()), 4) + "-" +
                     Padded(static_cast<unsigned>(date.month()), 2) + "-" +
                     Padded(static_cast<unsigned>(date.day()), 2) + "T" +
                     Padded(seconds / 3600, 2) + ":" + Padded(seconds / 60 % 60, 2) + ":" +
                     Padded(seconds % 60, 2);
  std::string fraction = Padded(nanos % kSecond, 9);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) text += "." + fraction;
  return text + "Z";
}

std::string WriteString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

}  // namespace crm
