#include "common/log/kafka/record_run.h"

#include <fmt/format.h>

#include "common/base/status.h"

namespace crm {
namespace {

// Markers of transactions of somebody else's leave holes of one offset each; this many in a row are
// no markers.
constexpr Offset kLargestHole = 10'000;

absl::Status HoleAt(const std::string& topic, Partition partition, Offset from, Offset to) {
  return Error(absl::StatusCode::kDataLoss, "LOG_HOLE",
               fmt::format("{} partition {} lacks offsets {} to {}: records were removed from the "
                           "log (compaction, or a broker that lost data). Restore the topic from a "
                           "copy; `crmctl log export` makes one",
                           topic, partition, from, to - 1),
               {{"topic", topic},
                {"partition", std::to_string(partition)},
                {"offset", std::to_string(from)}});
}

}  // namespace

absl::Status RecordRun::Add(Record record) {
  if (record.offset < next_) return absl::OkStatus();
  const Offset hole = next_;
  CRM_RETURN_IF_ERROR(FillTo(record.offset));
  if (record.kind == RecordKind::kEvent) {
    const bool skips = record.fence == fence_ && record.seq > seq_ + 1;
    if (hole < record.offset && skips) return HoleAt(topic_, partition_, hole, record.offset);
    fence_ = record.fence;
    seq_ = record.seq;
  } else if (record.kind == RecordKind::kOwn) {
    fence_ = kNoOffset;
  }
  bytes_ += sizeof(Record) + record.key.size() + record.value.size();
  ++next_;
  records_.push_back(std::move(record));
  return absl::OkStatus();
}

absl::Status RecordRun::FillTo(Offset end) {
  if (end - next_ > kLargestHole) return HoleAt(topic_, partition_, next_, end);
  for (; next_ < end; ++next_) {
    Record nothing;
    nothing.offset = next_;
    nothing.kind = RecordKind::kForeign;
    records_.push_back(std::move(nothing));
    bytes_ += sizeof(Record);
  }
  return absl::OkStatus();
}

void RecordRun::SkipTo(Offset next) {
  next_ = next;
  fence_ = kNoOffset;
}

std::vector<Record> RecordRun::Take() {
  bytes_ = 0;
  return std::exchange(records_, {});
}

}  // namespace crm
