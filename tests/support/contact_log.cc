#include "tests/support/contact_log.h"

#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/base/timestamp.h"

namespace crm::testing {

std::unique_ptr<MemoryLog> EmptyLog(const LogIdentity& identity) {
  MemoryLogOptions options;
  options.topic = "contacts";
  options.identity = identity;
  options.deliver_by_hand = true;
  return std::make_unique<MemoryLog>(std::move(options));
}

EventSource ContactSource() {
  static auto* const sealer = new PlainSealer;
  return {ContactSchema(), *sealer};
}

ContactLog::ContactLog(MemoryLog& log, std::string tenant) : log_(log), tenant_(std::move(tenant)) {
  for (Partition p = 0; p < kPartitions; ++p) Own(p);
}

void ContactLog::Own(Partition partition) {
  Record record;
  record.kind = RecordKind::kOwn;
  fences_[partition] = {AppendRecord(partition, std::move(record)), 0};
}

Record ContactLog::NextRecord(const std::string& name, std::string value) {
  Record record;
  record.key = tenant_ + "/" + name;
  auto& [fence, seq] = fences_[PartitionOf(record.key)];
  record.fence = fence;
  record.seq = ++seq;
  record.last = true;
  record.value = std::move(value);
  return record;
}

void ContactLog::Append(const std::string& name, std::vector<contact::v1::ContactEvent> events) {
  for (size_t i = 0; i < events.size(); ++i) {
    Record record = NextRecord(name, Value(name, std::move(events[i])));
    record.last = i + 1 == events.size();
    const Partition partition = PartitionOf(record.key);
    AppendRecord(partition, std::move(record));
  }
  ++requests_;
}

void ContactLog::Create(const std::string& id, const std::string& display_name) {
  contact::v1::ContactEvent event;
  event.mutable_created()->set_kind(contact::v1::Contact::PERSON);
  event.mutable_created()->mutable_plain()->set_display_name(display_name);
  Append("contacts/" + id, {event});
}

Offset ContactLog::AppendRecord(Partition partition, Record record) {
  Offset offset = kNoOffset;
  const auto batch = std::make_shared<const std::vector<Record>>(1, std::move(record));
  CRM_CHECK(
      log_.Append(partition, batch,
                  [&](absl::StatusOr<std::vector<Offset>> offsets) { offset = offsets->front(); })
          .ok());
  log_.Deliver(SIZE_MAX);
  return offset;
}

std::string ContactLog::Value(const std::string& name, contact::v1::ContactEvent event) {
  auto record = std::make_unique<contact::v1::ContactRecord>();
  *record->mutable_contact() = std::move(event);
  auto* metadata = record->mutable_metadata();
  metadata->set_tenant(tenant_);
  metadata->set_aggregate(name);
  metadata->set_aggregate_version(++versions_[name]);
  metadata->set_request_id("request " + std::to_string(requests_));
  metadata->set_payload_hmac("payload");
  SetTimestamp((1'700'000'000 + requests_) * kSecond, metadata->mutable_recorded_time());
  return ContactSchema().Encode(std::move(record), ContactSource().sealer)->value;
}

}  // namespace crm::testing
