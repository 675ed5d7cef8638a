#include "common/service/log_reading.h"

#include <google/protobuf/text_format.h>

#include "absl/container/flat_hash_map.h"
#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "crm/common/v1/log_control.pb.h"

namespace crm {
namespace {

std::string OneLine(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  return text;
}

// Opens nothing: what is sealed stays sealed, and is left out of the text.
class ClosedSealer final : public Sealer {
 public:
  absl::StatusOr<common::v1::Sealed> Seal(std::string_view, std::string_view,
                                          const common::v1::SealedContent&) override {
    return absl::UnimplementedError("reads only");
  }
  absl::StatusOr<Opened> Open(std::string_view, std::string_view,
                              const common::v1::Sealed&) override {
    Opened opened;
    opened.outcome = Opened::Outcome::kShredded;
    return opened;
  }
};

void DescribeEvent(const EventSchema& schema, const Record& record, admin::v1::LogEntry* entry) {
  ClosedSealer sealer;
  const absl::StatusOr<Event> event = schema.Decode(Record(record), sealer);
  if (!event.ok()) {
    entry->set_void_reason(ReasonOf(event.status()));
    return;
  }
  entry->set_event_type(event->event->GetDescriptor()->full_name());
  *entry->mutable_recorded_time() = event->metadata->recorded_time();
  entry->set_aggregate(event->metadata->aggregate());
  entry->set_aggregate_version(event->metadata->aggregate_version());
  entry->set_text(OneLine(*event->event));
}

std::string WhyVoid(const Record& record, Offset fence) {
  if (record.kind == RecordKind::kForeign) {
    return record.value.empty() ? "a place without a record" : "written by somebody else";
  }
  return record.fence != fence ? "written under a lost fence" : "out of sequence";
}

}  // namespace

admin::v1::LogEntry DescribeRecord(const EventSchema& schema, int64_t epoch, Partition partition,
                                   const Record& record, bool with_value) {
  admin::v1::LogEntry entry;
  entry.set_partition(partition);
  entry.set_offset(record.offset);
  entry.set_kind(std::string(KindName(record.kind)));
  entry.set_key(record.key);
  if (with_value) entry.set_value(record.value);
  if (record.kind == RecordKind::kEvent) {
    entry.set_fence(record.fence);
    entry.set_seq(record.seq);
    entry.set_last(record.last);
    entry.set_event_id(EventId(epoch, partition, record));
    DescribeEvent(schema, record, &entry);
    return entry;
  }
  if (record.kind == RecordKind::kForeign) {
    entry.set_text(record.value);
    return entry;
  }
  common::v1::LogControl control;
  if (control.ParseFromString(record.value)) entry.set_text(OneLine(control));
  return entry;
}

std::vector<admin::v1::LogEntry> LogReading::Next(const Record& record) {
  admin::v1::LogEntry entry = DescribeRecord(schema_, epoch_, partition_, record, true);
  const Offset fence_before = filter_.state().fence;
  std::vector<admin::v1::LogEntry> decided;
  const FenceFilter::Verdict verdict = filter_.Next(record);
  if (verdict == FenceFilter::Verdict::kPartial) {
    partial_.push_back(std::move(entry));
    return decided;
  }
  if (verdict == FenceFilter::Verdict::kCommand) {
    (void)filter_.TakeCommand();
    partial_.push_back(std::move(entry));
    for (admin::v1::LogEntry& event : partial_) event.set_valid(true);
    return std::exchange(partial_, {});
  }
  if (verdict == FenceFilter::Verdict::kControl) {
    if (filter_.state().fence != fence_before) {
      for (admin::v1::LogEntry& event : partial_) {
        event.set_void_reason("its command was never completed");
      }
      decided = std::exchange(partial_, {});
    }
    entry.set_valid(true);
  } else {
    const std::string unreadable = entry.void_reason().empty() ? "" : ", " + entry.void_reason();
    entry.set_void_reason(WhyVoid(record, filter_.state().fence) + unreadable);
  }
  decided.push_back(std::move(entry));
  return decided;
}

absl::StatusOr<PartitionCheck> CheckLogPartition(Log& log, EventSource source,
                                                 Partition partition) {
  PartitionCheck check;
  CRM_ASSIGN_OR_RETURN(const Offset end, log.EndOffset(partition));
  CRM_ASSIGN_OR_RETURN(const Offset begin, log.BeginOffset(partition));
  if (begin == end) return check;
  CRM_ASSIGN_OR_RETURN(const auto tail, log.OpenTail({{partition, begin}}));
  FenceFilter filter;
  PieceHasher hasher;
  Offset next = begin;
  const auto problem = [&check](Offset offset, const std::string& what) {
    if (check.problem.empty()) check.problem = "offset " + std::to_string(offset) + ": " + what;
  };
  while (next < end) {
    CRM_ASSIGN_OR_RETURN(TailBatch batch, tail->Poll(kSecond));
    for (Record& record : batch.records) {
      if (record.offset != next) problem(next, "missing");
      next = record.offset + 1;
      ++check.records;
      if (record.offset == 0 && record.kind != RecordKind::kGenesis) {
        problem(0, "is no genesis record");
      }
      const FenceFilter::Verdict verdict = filter.Next(record);
      if (verdict == FenceFilter::Verdict::kVoid) ++check.void_records;
      if (verdict != FenceFilter::Verdict::kCommand) continue;
      for (Record& event : filter.TakeCommand()) {
        ++check.events;
        if (event.key.empty()) ++check.reaction_events;
        hasher.Add(RecordHash(event));
        const Offset offset = event.offset;
        if (const auto decoded = source.schema.Decode(std::move(event), source.sealer);
            !decoded.ok()) {
          ++check.undecodable;
          problem(offset, std::string(decoded.status().message()));
        }
      }
    }
  }
  check.hash = Hex(hasher.Digest());
  return check;
}

}  // namespace crm
