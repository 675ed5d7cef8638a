#include "common/aggregate/would_record.h"

#include <memory>

#include "crm/common/v1/would_record.pb.h"

namespace crm {
namespace {

constexpr size_t kMaxBytes = 5 << 10;

// What is the command's own: times and the caller's marks are only known once it is recorded.
std::unique_ptr<google::protobuf::Message> WithoutStamp(const EventSchema& schema,
                                                        const Event& event) {
  std::unique_ptr<google::protobuf::Message> record(event.record->New());
  record->CopyFrom(*event.record);
  common::v1::EventMetadata* metadata = schema.MutableMetadata(record.get());
  metadata->Clear();
  metadata->set_aggregate(event.metadata->aggregate());
  metadata->set_aggregate_version(event.metadata->aggregate_version());
  return record;
}

}  // namespace

std::string RenderWouldRecord(const EventSchema& schema, const std::vector<Event>& events) {
  common::v1::WouldRecord would;
  would.set_total(static_cast<int32_t>(events.size()));
  for (const Event& event : events) {
    would.add_events()->PackFrom(*WithoutStamp(schema, event));
    if (would.ByteSizeLong() <= kMaxBytes) continue;
    would.mutable_events()->RemoveLast();
    break;
  }
  return would.SerializeAsString();
}

}  // namespace crm
