#include "services/analytics/projection/customer_rows.h"

#include <google/protobuf/text_format.h>

#include <memory>

#include "common/base/bytes.h"
#include "common/base/timestamp.h"
#include "common/projection/provenance.h"

namespace crm::analytics {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;
constexpr TimeNs kDay = 86'400 * kSecond;

}  // namespace

std::string_view ContactIdOf(std::string_view aggregate) {
  if (!aggregate.starts_with(kContacts)) return "";
  aggregate.remove_prefix(kContacts.size());
  return aggregate.substr(0, aggregate.find('/'));
}

std::string ContactName(std::string_view id) {
  return std::string(kContacts).append(id);
}

std::string_view LastId(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

std::string TenantPrefix(Partition partition, char family, std::string_view tenant) {
  std::string key{static_cast<char>(partition), family};
  key.append(tenant);
  key.push_back('\0');
  return key;
}

std::string ContactKey(Partition partition, char family, std::string_view tenant,
                       std::string_view id) {
  return TenantPrefix(partition, family, tenant).append(id);
}

std::string ContactPrefix(Partition partition, char family, std::string_view tenant,
                          std::string_view id) {
  std::string key = ContactKey(partition, family, tenant, id);
  key.push_back('\0');
  return key;
}

KeyOfContact SplitContactKey(std::string_view key) {
  KeyOfContact parts;
  key.remove_prefix(std::min<size_t>(2, key.size()));
  const size_t tenant_end = std::min(key.find('\0'), key.size());
  parts.tenant = key.substr(0, tenant_end);
  key.remove_prefix(std::min(tenant_end + 1, key.size()));
  const size_t id_end = std::min(key.find('\0'), key.size());
  parts.id = key.substr(0, id_end);
  parts.rest = key.substr(std::min(id_end + 1, key.size()));
  return parts;
}

std::string TimeAscending(TimeNs time) {
  std::string bytes;
  AppendBe64(&bytes, static_cast<uint64_t>(time) ^ kSign);
  return bytes;
}

std::string TimeDescending(TimeNs time) {
  std::string bytes;
  AppendBe64(&bytes, ~(static_cast<uint64_t>(time) ^ kSign));
  return bytes;
}

TimeNs ReadTimeDescending(std::string_view bytes) {
  return static_cast<TimeNs>(~ReadBe64(bytes.data()) ^ kSign);
}

TimeNs OccurredTime(const common::v1::EventMetadata& metadata) {
  return metadata.has_occurred_time() ? ToTimeNs(metadata.occurred_time()) : RecordedTime(metadata);
}

TimeNs RecordedTime(const common::v1::EventMetadata& metadata) {
  return ToTimeNs(metadata.recorded_time());
}

int32_t DayOf(TimeNs time) {
  const TimeNs day = time / kDay;
  return static_cast<int32_t>(time % kDay < 0 ? day - 1 : day);
}

absl::Status UnreadableRow(std::string_view view) {
  return Error(
      absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
      std::string("a row of ").append(view).append(" cannot be read; rebuild the projection"));
}

std::string BusinessText(std::string_view key, std::string_view value,
                         const google::protobuf::Message& type) {
  std::unique_ptr<google::protobuf::Message> message(type.New());
  if (!message->ParseFromArray(value.data(), static_cast<int>(value.size()))) return "unreadable";
  ClearProvenance(message.get());
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(*message, &text);
  const KeyOfContact parts = SplitContactKey(key);
  return std::string(parts.tenant) + " " + std::string(parts.id) + " " + key[1] + " " + text;
}

}  // namespace crm::analytics
