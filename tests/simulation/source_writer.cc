#include "tests/simulation/source_writer.h"

#include "common/base/check.h"
#include "common/base/timestamp.h"
#include "common/log/control_records.h"

namespace crm::simulation {
namespace {

MemoryLogOptions Options(const std::string& topic) {
  MemoryLogOptions options;
  options.topic = topic;
  options.identity = {"simulated-log", "check", 0};
  options.deliver_by_hand = true;
  return options;
}

}  // namespace

SourceWriter::SourceWriter(EventSource source, uint64_t seed, const std::string& topic)
    : source_(source), dice_(seed), log_(Options(topic)) {
  for (Place& place : places_) {
    place.records.push_back(GenesisRecord(log_.identity()));
    place.records.back().offset = 0;
  }
}

Offset SourceWriter::Append(Partition partition, Record record) {
  const auto batch = std::make_shared<const std::vector<Record>>(1, record);
  Offset at = kNoOffset;
  CRM_CHECK(log_.Append(partition, batch,
                        [&](absl::StatusOr<std::vector<Offset>> offsets) {
                          CRM_CHECK(offsets.ok());
                          at = offsets->front();
                        })
                .ok());
  log_.Deliver(SIZE_MAX);
  CRM_CHECK(at == end(partition));
  record.offset = at;
  place(partition).records.push_back(std::move(record));
  return at;
}

void SourceWriter::Own(Partition partition) {
  Record own;
  own.kind = RecordKind::kOwn;
  Place& at = place(partition);
  at.fence = Append(partition, std::move(own));
  at.seq = 0;
}

// What an owner before wrote too late, or a copy of what is valid already.
void SourceWriter::WriteVoid(Partition partition) {
  const Place& at = place(partition);
  if (!at.past.empty()) Append(partition, dice_.Pick(at.past));
}

void SourceWriter::Write(Partition partition, std::vector<NewEvent> events, TimeNs now) {
  Place& at = place(partition);
  if (at.fence == kNoOffset || dice_.Chance(0.1)) Own(partition);
  std::vector<Record> records;
  std::vector<std::shared_ptr<const Event>> encoded;
  for (NewEvent& next : events) {
    common::v1::EventMetadata* metadata = source_.schema.MutableMetadata(next.record.get());
    metadata->set_tenant(kPlotTenant);
    metadata->set_aggregate(next.aggregate);
    metadata->set_aggregate_version(++at.versions[next.aggregate]);
    SetTimestamp(now, metadata->mutable_recorded_time());
    auto event = source_.schema.Encode(std::move(next.record), source_.sealer);
    CRM_CHECK(event.ok());
    Record record;
    record.key = RecordKey(kPlotTenant, next.aggregate);
    record.value = event->value;
    encoded.push_back(std::make_shared<const Event>(*std::move(event)));
    records.push_back(std::move(record));
  }
  records.back().last = true;
  // The first attempt at the command is lost with its owner, halfway.
  if (records.size() > 1 && dice_.Chance(0.2)) {
    Record half = records.front();
    half.fence = at.fence;
    half.seq = ++at.seq;
    Append(partition, std::move(half));
    Own(partition);
  }
  for (size_t i = 0; i < records.size(); ++i) {
    if (dice_.Chance(0.2)) WriteVoid(partition);
    records[i].fence = at.fence;
    records[i].seq = ++at.seq;
    const Offset offset = Append(partition, records[i]);
    at.past.push_back(records[i]);
    told_.push_back({partition, offset, encoded[i]});
  }
}

}  // namespace crm::simulation
