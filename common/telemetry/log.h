#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/clock.h"

namespace crm {

// kError: a person must act.
enum class LogLevel { kDebug, kInfo, kWarning, kError };

// "debug", "info", "warning", "error"; kInfo for anything else.
LogLevel LogLevelOf(std::string_view name);

struct LogField {
  LogField(std::string_view field_key, std::string_view field_value)
      : key(field_key), value(field_value) {}
  LogField(std::string_view field_key, const char* field_value)
      : key(field_key), value(std::string_view(field_value)) {}
  LogField(std::string_view field_key, const std::string& field_value)
      : key(field_key), value(std::string_view(field_value)) {}
  LogField(std::string_view field_key, bool field_value) : key(field_key), value(field_value) {}
  LogField(std::string_view field_key, double field_value) : key(field_key), value(field_value) {}
  template <typename Integer>
  requires std::is_integral_v<Integer> LogField(std::string_view field_key, Integer field_value)
      : key(field_key), value(static_cast<int64_t>(field_value)) {}

  std::string_view key;
  std::variant<std::string_view, int64_t, double, bool> value;
};

// Takes one line, its newline included. Thread-safe.
using LogSink = std::function<void(const std::string& line)>;
// Standard error, a single write a line.
LogSink StderrSink();

// One JSON object a line: ts (RFC 3339, UTC), level, msg, then the fields in order. No personal
// data goes in: names of resources, counts and codes do. Thread-safe; outlives what logs to it.
class Logger {
 public:
  Logger(const Clock& clock, LogLevel level, LogSink sink);

  void Debug(std::string_view msg, std::initializer_list<LogField> fields = {});
  void Info(std::string_view msg, std::initializer_list<LogField> fields = {});
  void Warning(std::string_view msg, std::initializer_list<LogField> fields = {});
  void Error(std::string_view msg, std::initializer_list<LogField> fields = {});

  void SetLevel(LogLevel level) { level_.store(level, std::memory_order_relaxed); }

 private:
  void Write(LogLevel level, std::string_view msg, std::initializer_list<LogField> fields);

  const Clock& clock_;
  std::atomic<LogLevel> level_;
  const LogSink sink_;
};

// Lets protobuf's own messages go through `logger` until the process ends, at debug level: what
// they tell of bad requests is answered to the caller. For main.
void RouteProtobufLog(Logger& logger);

// `text` as a JSON string with its quotation marks. What is not UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace crm
