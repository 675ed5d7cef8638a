#include "common/telemetry/repeated_lines.h"

#include <fmt/format.h>

namespace crm {
namespace {

// Lines that name ever new things are forgotten sooner.
constexpr size_t kMostLines = 256;

// librdkafka ends a line with "(after 3ms in state CONNECT, 12 identical error(s) suppressed)".
std::string_view WithoutTimes(std::string_view line) {
  return line.substr(0, line.find(" (after "));
}

}  // namespace

std::string RepeatedLines::Take(std::string_view line) {
  const TimeNs now = clock_.Monotonic();
  MutexLock lock(mutex_);
  const auto found = seen_.find(WithoutTimes(line));
  if (found == seen_.end()) {
    if (seen_.size() >= kMostLines) Forget(now);
    seen_[std::string(WithoutTimes(line))] = {now, 0};
    return std::string(line);
  }
  Seen& seen = found->second;
  if (now - seen.told < kPause) {
    ++seen.held_back;
    return "";
  }
  std::string text(line);
  if (seen.held_back > 0) {
    text += fmt::format(" (and {} times in the {} s before)", seen.held_back,
                        (now - seen.told) / kSecond);
  }
  seen = {now, 0};
  return text;
}

void RepeatedLines::Forget(TimeNs now) {
  std::erase_if(seen_, [&](const auto& line) { return now - line.second.told >= kPause; });
  if (seen_.size() >= kMostLines) seen_.clear();
}

}  // namespace crm
