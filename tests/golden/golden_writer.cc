#include "tests/golden/golden_writer.h"

#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "common/base/check.h"
#include "common/base/hash.h"
#include "crm/common/v1/log_control.pb.h"

namespace crm::testing {

using google::protobuf::Message;

void GoldenWriter::Own(const std::string& what, Partition partition) {
  Lane& lane = lanes_[static_cast<size_t>(partition)];
  common::v1::LogControl control;
  control.mutable_own()->set_attempt("attempt at " + std::to_string(lane.next));
  control.mutable_own()->set_owner("golden");
  control.mutable_own()->set_log_id("golden");
  lane.fence = lane.next;
  lane.seq = 0;
  Record record;
  record.kind = RecordKind::kOwn;
  record.value = control.SerializeAsString();
  Write({what, partition, std::move(record), "-", ""});
}

void GoldenWriter::Event(const std::string& what, const Message& record, bool last) {
  const auto copy = [&record] {
    std::unique_ptr<Message> made(record.New());
    made->CopyFrom(record);
    return made;
  };
  const auto event = source_.schema.Encode(copy(), source_.sealer);
  CRM_CHECK(event.ok());
  const auto shown = copy();
  *source_.schema.MutableMetadata(shown.get()) = *event->metadata;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  GoldenRecord golden{what, 0, {}, "", event->payload_hmac};
  CRM_CHECK(google::protobuf::util::MessageToJsonString(*shown, &golden.json, options).ok());
  golden.record.key = KeyOf(record);
  golden.record.value = event->value;
  Put(std::move(golden), last);
}

void GoldenWriter::Unreadable(const std::string& what, const Message& record, std::string value) {
  GoldenRecord golden{what, 0, {}, "-", ""};
  golden.record.key = KeyOf(record);
  golden.record.value = std::move(value);
  Put(std::move(golden), true);
}

std::string GoldenWriter::KeyOf(const Message& record) const {
  const std::unique_ptr<Message> copy(record.New());
  copy->CopyFrom(record);
  const common::v1::EventMetadata& metadata = *source_.schema.MutableMetadata(copy.get());
  return metadata.tenant() + "/" + std::string(SubjectOf(metadata.aggregate()));
}

void GoldenWriter::Put(GoldenRecord golden, bool last) {
  golden.partition = PartitionOf(golden.record.key);
  Lane& lane = lanes_[static_cast<size_t>(golden.partition)];
  if (lane.fence == kNoOffset) Own("The first owner of a partition", golden.partition);
  golden.record.fence = lane.fence;
  golden.record.seq = ++lane.seq;
  golden.record.last = last;
  Write(golden);
}

void GoldenWriter::Write(const GoldenRecord& golden) {
  ++lanes_[static_cast<size_t>(golden.partition)].next;
  std::fputs(ToText(golden).c_str(), stdout);
}

}  // namespace crm::testing
