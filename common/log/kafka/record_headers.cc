#include "common/log/kafka/record_headers.h"

#include <crm/common/v1/event.pb.h>
#include <crm/common/v1/log_control.pb.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/util/time_util.h>
#include <google/protobuf/wire_format_lite.h>

#include <charconv>

#include "common/base/bytes.h"
#include "common/base/hash.h"

namespace crm {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedInputStream;

constexpr std::string_view kKind = "crm-kind";
constexpr std::string_view kFence = "crm-fence";
constexpr std::string_view kSeq = "crm-seq";
constexpr std::string_view kLast = "crm-last";
// Every reason this version gives is shorter.
constexpr size_t kReasonBytes = 200;

void Add(rd_kafka_headers_t* headers, std::string_view name, std::string_view value) {
  rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                      static_cast<ssize_t>(value.size()));
}

void AddNumber(rd_kafka_headers_t* headers, std::string_view name, int64_t number) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  Add(headers, name, {text, static_cast<size_t>(end - text)});
}

// Calls `see(field number, bytes)` for each length-delimited field at the top level of a message.
// False where the bytes are no message.
template <typename See>
bool Walk(std::string_view message, See see) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                      static_cast<int>(message.size()));
  while (const uint32_t tag = in.ReadTag()) {
    if (WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    uint32_t size = 0;
    if (!in.ReadVarint32(&size) || size > message.size() - in.CurrentPosition()) return false;
    see(WireFormatLite::GetTagFieldNumber(tag), message.substr(in.CurrentPosition(), size));
    if (!in.Skip(static_cast<int>(size))) return false;
  }
  return in.ConsumedEntireMessage();
}

// The message field of the message's oneof that is set, and its bytes.
struct Choice {
  const Descriptor* type = nullptr;
  std::string_view bytes;
};

Choice ChoiceOf(const Descriptor& message, const char* oneof, std::string_view bytes) {
  Choice choice;
  const auto* choices = message.FindOneofByName(oneof);
  if (choices == nullptr) return choice;
  Walk(bytes, [&](int number, std::string_view content) {
    const FieldDescriptor* field = message.FindFieldByNumber(number);
    if (field == nullptr || field->containing_oneof() != choices) return;
    choice = {field->message_type(), content};
  });
  return choice;
}

// What the headers say. Views into the message.
struct Header {
  bool there = false;
  std::string_view value;
};
struct Parsed {
  Header kind;
  Header fence;
  Header seq;
  Header last;
};

// The first header of a name counts.
bool ParseHeaders(const rd_kafka_message_t& message, Parsed* parsed) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  const char* name_text = nullptr;
  const void* value_bytes = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name_text, &value_bytes, &size) ==
                     RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    const std::string_view name(name_text);
    if (!name.starts_with("crm-")) continue;
    Header* header = nullptr;
    if (name == kKind) header = &parsed->kind;
    if (name == kFence) header = &parsed->fence;
    if (name == kSeq) header = &parsed->seq;
    if (name == kLast) header = &parsed->last;
    if (header == nullptr || header->there) continue;
    header->there = true;
    header->value = {static_cast<const char*>(value_bytes), value_bytes == nullptr ? 0 : size};
  }
  return parsed->kind.there;
}

RecordKind KindOf(std::string_view name) {
  for (const RecordKind kind : {RecordKind::kEvent, RecordKind::kOwn, RecordKind::kRelease,
                                RecordKind::kGenesis, RecordKind::kEpoch}) {
    if (name == KindName(kind)) return kind;
  }
  return RecordKind::kForeign;
}

// Digits only, no sign, no leading zero but in "0" itself: one number has one form.
bool ParseNumber(std::string_view text, int64_t* number) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  if (text.size() > 1 && text.front() == '0') return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

Record Foreign(Offset offset, std::string_view reason, std::string_view sentence) {
  Record record;
  record.offset = offset;
  record.kind = RecordKind::kForeign;
  record.value = fmt::format("{}: {}", reason, sentence);
  return record;
}

// What a copy writes is short text; anybody may write anything under the same kind.
bool IsReason(const rd_kafka_message_t& message) {
  return message.len <= kReasonBytes &&
         IsUtf8({static_cast<const char*>(message.payload), message.len});
}

bool IsControl(std::string_view value) {
  common::v1::LogControl control;
  return control.ParseFromArray(value.data(), static_cast<int>(value.size()));
}

}  // namespace

RecordHeaders::RecordHeaders(const std::string& topic, const google::protobuf::Message* record)
    : descriptor_(record == nullptr ? nullptr : record->GetDescriptor()) {
  // "crm.contact.events" -> "contact"; a name of another form counts whole.
  std::string_view service = topic;
  const size_t first = service.find('.');
  const size_t last = service.rfind('.');
  if (first != last) service = service.substr(first + 1, last - first - 1);
  source_ = fmt::format("/crm/{}/", service);
}

KafkaPtr<rd_kafka_headers_t> RecordHeaders::Render(int64_t epoch, Partition partition,
                                                   const Record& record) const {
  KafkaPtr<rd_kafka_headers_t> headers(rd_kafka_headers_new(16));
  const bool event = record.kind == RecordKind::kEvent;
  Add(headers.get(), kKind, KindName(record.kind));
  if (event || record.fence != 0) AddNumber(headers.get(), kFence, record.fence);
  if (event || record.seq != 0) AddNumber(headers.get(), kSeq, record.seq);
  if (record.last) Add(headers.get(), kLast, "1");
  if (event && descriptor_ != nullptr) AddCloudEvent(epoch, partition, record, headers.get());
  return headers;
}

void RecordHeaders::AddCloudEvent(int64_t epoch, Partition partition, const Record& record,
                                  rd_kafka_headers_t* headers) const {
  Choice event = ChoiceOf(*descriptor_, "aggregate", record.value);
  if (event.type == nullptr) return;
  if (const Choice inner = ChoiceOf(*event.type, "event", event.bytes); inner.type != nullptr) {
    event = inner;
  }
  common::v1::EventMetadata metadata;
  const FieldDescriptor* field = descriptor_->FindFieldByName("metadata");
  if (field == nullptr) return;
  Walk(record.value, [&](int number, std::string_view bytes) {
    if (number != field->number()) return;
    metadata.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  });
  Add(headers, "ce_specversion", "1.0");
  Add(headers, "ce_id", EventId(epoch, partition, record));
  Add(headers, "ce_type", event.type->full_name());
  Add(headers, "ce_source", source_ + metadata.tenant());
  if (metadata.has_recorded_time()) {
    Add(headers, "ce_time", google::protobuf::util::TimeUtil::ToString(metadata.recorded_time()));
  }
  if (!metadata.aggregate().empty()) Add(headers, "ce_subject", metadata.aggregate());
  Add(headers, "content-type", "application/protobuf");
  if (!metadata.traceparent().empty()) Add(headers, "traceparent", metadata.traceparent());
}

Record RecordOf(const rd_kafka_message_t& message) {
  Parsed parsed;
  if (!ParseHeaders(message, &parsed)) {
    return Foreign(message.offset, "NO_HEADERS", "the record has no crm-kind header");
  }
  Record record;
  record.offset = message.offset;
  record.kind = KindOf(parsed.kind.value);
  if (parsed.kind.value == KindName(RecordKind::kForeign) && IsReason(message)) {
    if (message.len > 0)
      record.value.assign(static_cast<const char*>(message.payload), message.len);
    return record;
  }
  if (record.kind == RecordKind::kForeign) {
    return Foreign(message.offset, "UNKNOWN_KIND", "its crm-kind is none that this version knows");
  }
  const bool event = record.kind == RecordKind::kEvent;
  const auto number_ok = [event](std::string_view text, int64_t* number) {
    return text.empty() && !event ? true : ParseNumber(text, number);
  };
  if (!number_ok(parsed.fence.value, &record.fence) || !number_ok(parsed.seq.value, &record.seq) ||
      (parsed.last.there && parsed.last.value != "1")) {
    return Foreign(message.offset, "BAD_HEADER", "crm-fence, crm-seq or crm-last is no number");
  }
  record.last = parsed.last.there;
  if (message.key != nullptr)
    record.key.assign(static_cast<const char*>(message.key), message.key_len);
  if (event && !KeyBelongs(record.key, message.partition)) {
    return Foreign(message.offset, "KEY_ELSEWHERE",
                   "its key is no tenant/subject, or belongs to another partition");
  }
  if (message.payload != nullptr) {
    record.value.assign(static_cast<const char*>(message.payload), message.len);
  }
  if (!event && !IsControl(record.value)) {
    return Foreign(message.offset, "BAD_CONTROL", "its value is no LogControl");
  }
  return record;
}

bool KeyBelongs(std::string_view key, Partition partition) {
  if (key.empty()) return true;
  const size_t slash = key.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == key.size()) return false;
  return PartitionOf(key) == partition;
}

}  // namespace crm
