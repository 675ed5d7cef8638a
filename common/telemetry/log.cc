#include "common/telemetry/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <unistd.h>

#include <cmath>
#include <ctime>

#include "common/base/bytes.h"

namespace crm {
namespace {

// Length of the UTF-8 character at the start of `text`; 0 where there is none.
size_t CharacterSize(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return size <= text.size() && IsUtf8(text.substr(0, size)) ? size : 0;
}

void AppendCharacter(std::string_view character, std::string* out) {
  switch (character[0]) {
    case '"':
      *out += "\\\"";
      return;
    case '\\':
      *out += "\\\\";
      return;
    case '\n':
      *out += "\\n";
      return;
    default:
      break;
  }
  const auto lead = static_cast<unsigned char>(character[0]);
  if (lead < 0x20 || lead == 0x7f) {
    *out += fmt::format("\\u{:04x}", lead);
  } else {
    *out += character;
  }
}

struct AppendValue {
  std::string* out;
  void operator()(std::string_view text) const { AppendJsonString(text, out); }
  void operator()(int64_t number) const { *out += std::to_string(number); }
  void operator()(bool value) const { *out += value ? "true" : "false"; }
  // JSON has no infinity.
  void operator()(double number) const {
    *out += std::isfinite(number) ? fmt::format("{}", number) : "null";
  }
};

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "";
}

std::string TimeText(TimeNs time) {
  const std::time_t seconds = time / kSecond;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(seconds), time % kSecond / 1000);
}

std::atomic<Logger*> protobuf_logger{nullptr};

void LogProtobuf(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  protobuf_logger.load()->Debug("protobuf", {{"text", message}});
}

}  // namespace

LogLevel LogLevelOf(std::string_view name) {
  for (const LogLevel level : {LogLevel::kDebug, LogLevel::kWarning, LogLevel::kError}) {
    if (NameOf(level) == name) return level;
  }
  return LogLevel::kInfo;
}

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  while (!text.empty()) {
    const size_t size = CharacterSize(text);
    if (size == 0) {
      *out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    AppendCharacter(text.substr(0, size), out);
    text.remove_prefix(size);
  }
  out->push_back('"');
}

LogSink StderrSink() {
  return [](const std::string& line) {
    // A log that cannot be written has nobody to be told.
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
  };
}

Logger::Logger(const Clock& clock, LogLevel level, LogSink sink)
    : clock_(clock), level_(level), sink_(std::move(sink)) {}

void Logger::Debug(std::string_view msg, std::initializer_list<LogField> fields) {
  Write(LogLevel::kDebug, msg, fields);
}
void Logger::Info(std::string_view msg, std::initializer_list<LogField> fields) {
  Write(LogLevel::kInfo, msg, fields);
}
void Logger::Warning(std::string_view msg, std::initializer_list<LogField> fields) {
  Write(LogLevel::kWarning, msg, fields);
}
void Logger::Error(std::string_view msg, std::initializer_list<LogField> fields) {
  Write(LogLevel::kError, msg, fields);
}

void Logger::Write(LogLevel level, std::string_view msg, std::initializer_list<LogField> fields) {
  if (level < level_.load(std::memory_order_relaxed)) return;
  std::string line = fmt::format(
      "{{\"ts\":\"{}\",\"level\":\"{}\",\"msg\":", TimeText(clock_.Now()), NameOf(level));
  AppendJsonString(msg, &line);
  for (const LogField& field : fields) {
    line.push_back(',');
    AppendJsonString(field.key, &line);
    line.push_back(':');
    std::visit(AppendValue{&line}, field.value);
  }
  line += "}\n";
  sink_(line);
}

void RouteProtobufLog(Logger& logger) {
  protobuf_logger.store(&logger);
  google::protobuf::SetLogHandler(&LogProtobuf);
}

}  // namespace crm
