#include "tests/golden/golden_log.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <fstream>
#include <map>
#include <sstream>

#include "common/log/memory/memory_log.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/dump.h"

namespace crm::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void AddFields(const Descriptor& type, const std::set<std::string>& left_out,
               std::set<std::string>* fields) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->name() == "sealed" || left_out.contains(field->full_name())) continue;
    if (!fields->insert(field->full_name()).second) continue;
    if (field->message_type() != nullptr) AddFields(*field->message_type(), left_out, fields);
  }
}

void RemoveFieldsSet(const Message& message, std::set<std::string>* fields) {
  std::vector<const FieldDescriptor*> set;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &set);
  for (const FieldDescriptor* field : set) {
    fields->erase(field->full_name());
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) RemoveFieldsSet(reflection->GetMessage(message, field), fields);
    for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i) {
      RemoveFieldsSet(reflection->GetRepeatedMessage(message, field, i), fields);
    }
  }
}

// "<store>-<version> <partition>" -> hash of the dump.
std::map<std::string, std::string> ReadPins(const std::string& path) {
  std::ifstream file(path);
  std::map<std::string, std::string> pins;
  for (std::string line; std::getline(file, line);) {
    std::istringstream in(line);
    std::string store, partition, hash;
    if (line.starts_with("#") || !(in >> store >> partition >> hash)) continue;
    pins[store + " " + partition] = hash;
  }
  return pins;
}

}  // namespace

void ExpectDecodesAsRecorded(const std::vector<GoldenRecord>& log, EventSource source) {
  for (const GoldenRecord& golden : log) {
    if (golden.json == "-") continue;
    const auto event = source.schema.Decode(Record(golden.record), source.sealer);
    ASSERT_TRUE(event.ok()) << golden.what << ": " << event.status();
    const std::unique_ptr<Message> recorded(event->record->New());
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(golden.json, recorded.get()).ok());
    const std::unique_ptr<Message> decoded(event->record->New());
    decoded->CopyFrom(*event->record);
    decoded->DiscardUnknownFields();
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*decoded, *recorded))
        << golden.what << "\n"
        << decoded->DebugString() << "\n"
        << recorded->DebugString();
    EXPECT_EQ(event->payload_hmac, golden.payload_hmac) << golden.what;
    EXPECT_EQ(event->value, golden.record.value) << golden.what;
  }
}

std::set<std::string> FieldsNotSet(const Message& record, const std::vector<GoldenRecord>& log,
                                   EventSource source, const std::set<std::string>& left_out) {
  std::set<std::string> fields;
  AddFields(*record.GetDescriptor(), left_out, &fields);
  for (const GoldenRecord& golden : log) {
    if (golden.json == "-") continue;
    const auto event = source.schema.Decode(Record(golden.record), source.sealer);
    if (!event.ok()) continue;
    RemoveFieldsSet(*event->record, &fields);
    // It lies in the sealed part.
    if (!golden.payload_hmac.empty()) fields.erase("crm.common.v1.EventMetadata.payload_hmac");
  }
  return fields;
}

std::unique_ptr<MemoryStore> Rebuilt(const std::vector<GoldenRecord>& records,
                                     const Projection& projection, EventSource source) {
  MemoryLogOptions options;
  options.identity = {"golden", "check", 0};
  options.deliver_by_hand = true;
  MemoryLog log(std::move(options));
  for (const GoldenRecord& golden : records) {
    const auto batch = std::make_shared<const std::vector<Record>>(1, golden.record);
    EXPECT_TRUE(log.Append(golden.partition, batch, [](const auto&) {}).ok());
  }
  log.Deliver(SIZE_MAX);
  auto store = std::make_unique<MemoryStore>();
  EXPECT_TRUE(BulkRebuild(log, projection, source, *store, {}).ok());
  return store;
}

void ExpectPinned(const std::string& path, const Projection& projection, const Store& rows) {
  const auto pins = ReadPins(path);
  std::string missing;
  for (Partition p = 0; p < kPartitions; ++p) {
    const auto dump = DumpPartition(rows, projection, p, DumpKind::kCanonical, nullptr);
    ASSERT_TRUE(dump.ok());
    const std::string name = fmt::format("{}-{} {}", projection.name(), projection.version(), p);
    const auto pin = pins.find(name);
    if (pin == pins.end()) {
      missing += name + " " + dump->hash + "\n";
    } else {
      EXPECT_EQ(dump->hash, pin->second)
          << name << ": the same log gives other rows. Where that is meant, raise the version of "
          << "the store, so that stores built before are rebuilt, and pin the new one's dump";
    }
  }
  EXPECT_TRUE(missing.empty()) << "add to " << path << ":\n" << missing;
}

}  // namespace crm::testing
