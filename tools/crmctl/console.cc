#include "tools/crmctl/console.h"

#include <fmt/format.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cmath>

#include "tools/crmctl/table.h"

namespace crm::crmctl {
namespace {

constexpr TimeNs kRedraw = kSecond / 10;
constexpr int kBarColumns = 30;

std::string Duration(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02} min", whole / 60, whole % 60);
  return fmt::format("{}:{:02} h", whole / 3600, whole % 3600 / 60);
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  return status.ok() ? json : "{}";
}

void Console::PrintJson(const google::protobuf::Message& message) const {
  out << ToJson(message) << '\n';
}

std::string TimeText(const google::protobuf::Message& owner, const std::string& field) {
  const auto* descriptor = owner.GetDescriptor()->FindFieldByName(field);
  const auto* reflection = owner.GetReflection();
  if (descriptor == nullptr || !reflection->HasField(owner, descriptor)) return "-";
  google::protobuf::Timestamp time;
  time.CopyFrom(reflection->GetMessage(owner, descriptor));
  time.set_nanos(time.nanos() / 1'000'000 * 1'000'000);
  return google::protobuf::util::TimeUtil::ToString(time);
}

ProgressBar::ProgressBar(Console& console, std::string unit)
    : console_(console), unit_(std::move(unit)), begun_(console.clock.Monotonic()) {}

ProgressBar::~ProgressBar() {
  Clear();
}

void ProgressBar::Clear() {
  if (!std::exchange(drawn_, false)) return;
  console_.err << "\r\033[K" << std::flush;
}

void ProgressBar::Show(int64_t done, double fraction) {
  if (!console_.err_is_terminal) return;
  const TimeNs now = console_.clock.Monotonic();
  if (now < next_) return;
  next_ = now + kRedraw;
  const double seconds = std::max(static_cast<double>(now - begun_) / kSecond, 1e-3);
  fraction = std::clamp(fraction, 0.0, 1.0);
  const int filled = static_cast<int>(fraction * kBarColumns);
  std::string line =
      fmt::format("\r\033[K[{}{}] {:3.0f} %  {} {}  {}/s", std::string(filled, '#'),
                  std::string(kBarColumns - filled, '.'), fraction * 100, WithThousands(done),
                  unit_, WithThousands(static_cast<int64_t>(done / seconds)));
  if (fraction > 0.01) line += "  " + Duration(seconds * (1 - fraction) / fraction) + " left";
  console_.err << line << std::flush;
  drawn_ = true;
}

}  // namespace crm::crmctl
