#include "tests/simulation/reference_log.h"

#include "common/base/timestamp.h"

namespace crm::simulation {
namespace {

// The valid commands of one reign: the events between an ownership record and the next that bear
// its offset, counted 1, 2, 3 …; what follows the last complete command does not count.
std::vector<std::vector<Record>> CommandsOfReign(const std::vector<Record>& log, size_t own,
                                                 size_t next_own) {
  std::vector<std::vector<Record>> commands;
  std::vector<Record> open;
  int64_t seq = 1;
  for (size_t i = own + 1; i < next_own; ++i) {
    const Record& record = log[i];
    if (record.kind != RecordKind::kEvent) continue;
    if (record.fence != log[own].offset || record.seq != seq) continue;
    ++seq;
    open.push_back(record);
    if (record.last) commands.push_back(std::exchange(open, {}));
  }
  return commands;
}

std::vector<std::vector<Record>> ValidCommands(const std::vector<Record>& log) {
  std::vector<size_t> owns;
  for (size_t i = 0; i < log.size(); ++i) {
    if (log[i].kind == RecordKind::kOwn) owns.push_back(i);
  }
  owns.push_back(log.size());
  std::vector<std::vector<Record>> all;
  for (size_t i = 0; i + 1 < owns.size(); ++i) {
    for (auto& command : CommandsOfReign(log, owns[i], owns[i + 1])) {
      all.push_back(std::move(command));
    }
  }
  return all;
}

class Reader {
 public:
  explicit Reader(const CheckerOptions& options) : options_(options) {}

  void Read(Partition partition, const std::vector<Record>& log) {
    for (const Record& record : log) {
      if (record.kind == RecordKind::kEvent) NoteEvent(record);
    }
    recorded_ = 0;
    for (auto& records : ValidCommands(log)) ReadCommand(partition, records);
  }

  ReferenceLog Take() { return std::move(out_); }

 private:
  void NoteEvent(const Record& record) {
    const auto event = options_.source.schema.Decode(Record(record), options_.source.sealer);
    if (!event.ok()) return;
    out_.all_events.push_back({event->metadata->tenant(), event->metadata->aggregate(),
                               event->metadata->request_id(), event->payload_hmac});
  }

  void ReadCommand(Partition partition, const std::vector<Record>& records) {
    ValidCommand command;
    command.partition = partition;
    command.end = records.back().offset + 1;
    for (const Record& record : records) {
      auto event = options_.source.schema.Decode(Record(record), options_.source.sealer);
      if (!event.ok()) {
        return Report(Fault::kBroken, partition, record.offset, "a record cannot be decoded");
      }
      command.events.push_back(std::move(*event));
    }
    for (const Event& event : command.events) Fold(partition, event);
    out_.commands.push_back(std::move(command));
  }

  void Fold(Partition partition, const Event& event) {
    const common::v1::EventMetadata& metadata = *event.metadata;
    const TimeNs recorded = ToTimeNs(metadata.recorded_time());
    if (recorded < recorded_) {
      Report(Fault::kVersions, partition, event.offset, "its recorded time goes back");
    }
    recorded_ = recorded;
    // What belongs to no customer is another in each partition.
    const std::string tenant =
        metadata.tenant().empty() ? std::to_string(partition) : metadata.tenant();
    auto& versions = out_.aggregates[{tenant, metadata.aggregate()}];
    if (versions.empty()) {
      const AggregateType& type = *options_.types.at(event.aggregate_field);
      versions.push_back({SIZE_MAX, type.New(metadata.aggregate())});
    }
    if (metadata.aggregate_version() != static_cast<int64_t>(versions.size())) {
      Report(Fault::kVersions, partition, event.offset,
             "its version is " + std::to_string(metadata.aggregate_version()) + " after " +
                 std::to_string(versions.size() - 1));
    }
    std::unique_ptr<Aggregate> next = versions.back().aggregate->Clone();
    next->Apply(event);
    versions.push_back({out_.commands.size(), std::move(next)});
  }

  void Report(Fault fault, Partition partition, Offset offset, const std::string& text) {
    out_.findings.push_back({fault, "partition " + std::to_string(partition) + " offset " +
                                        std::to_string(offset) + ": " + text});
  }

  const CheckerOptions& options_;
  ReferenceLog out_;
  TimeNs recorded_ = 0;
};

}  // namespace

ReferenceLog ReadReference(const std::map<Partition, std::vector<Record>>& log,
                           const CheckerOptions& options) {
  Reader reader(options);
  for (const auto& [partition, records] : log) reader.Read(partition, records);
  return reader.Take();
}

}  // namespace crm::simulation
