#include "common/projection/partition_fold.h"

#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/projection/foreign_records.h"

namespace crm {

PartitionFold::PartitionFold(const Projection& projection, EventSource source,
                             const LogIdentity& identity, Partition partition, StoredPosition at,
                             Rows& rows)
    : source_(source),
      partition_(partition),
      rows_(rows),
      folds_reactions_(projection.folds_reactions()),
      filter_(at.fence),
      position_(std::move(at)),
      fold_(projection.Begin(partition, rows)) {
  position_.log_id = identity.log_id;
  position_.epoch = identity.epoch;
  position_.read_to = position_.stored;
}

absl::Status PartitionFold::Accept(Record record) {
  if (record.offset < position_.read_to) return absl::OkStatus();
  if (record.offset > position_.read_to) {
    return Error(absl::StatusCode::kDataLoss, "LOG_HOLE",
                 "the log answered offset " + std::to_string(record.offset) + " of partition " +
                     std::to_string(partition_) + " where " + std::to_string(position_.read_to) +
                     " was expected");
  }
  ++position_.read_to;
  if (filter_.Voids(record)) return NoteVoid(std::move(record));
  if (filter_.Next(std::move(record)) != FenceFilter::Verdict::kCommand) return absl::OkStatus();
  return FoldCommand(filter_.TakeCommand());
}

absl::Status PartitionFold::NoteVoid(Record record) {
  const Offset offset = record.offset;
  const std::string reason = ReasonToList(record, source_.schema);
  filter_.Next(std::move(record));
  return reason.empty() ? absl::OkStatus() : fold_->Foreign(offset, reason);
}

absl::Status PartitionFold::FoldCommand(std::vector<Record> records) {
  if (fold_->Skips(records.front().key)) return PassOver(std::move(records.back()));
  std::vector<Event> events;
  events.reserve(records.size());
  absl::Status status;
  for (Record& record : records) {
    absl::StatusOr<Event> event = source_.schema.Decode(std::move(record), source_.sealer);
    if (status = event.status(); !status.ok()) break;
    events.push_back(std::move(*event));
  }
  Record& last = records.back();
  position_.stored = last.offset + 1;
  position_.fence = filter_.state();
  if (!folds_reactions_ && last.key.empty()) return SkipReaction(events, std::move(last));
  if (!status.ok()) {
    ++unreadable_;
    last_ = std::move(last);
    const KeyParts key = SplitKey(last_->key);
    return fold_->Unreadable(key.tenant, key.subject, last_->offset, status);
  }
  events_ += static_cast<int64_t>(events.size());
  position_.recorded_time = ToTimeNs(events.back().metadata->recorded_time());
  CRM_RETURN_IF_ERROR(fold_->Apply(events));
  // Whole again, for its hash.
  last.value = std::move(events.back().value);
  last_ = std::move(last);
  return absl::OkStatus();
}

absl::Status PartitionFold::PassOver(Record last) {
  position_.stored = last.offset + 1;
  position_.fence = filter_.state();
  last_ = std::move(last);
  return absl::OkStatus();
}

absl::Status PartitionFold::SkipReaction(std::vector<Event>& events, Record last) {
  if (!events.empty()) {
    position_.recorded_time = ToTimeNs(events.back().metadata->recorded_time());
    if (last.value.empty()) last.value = std::move(events.back().value);
  }
  last_ = std::move(last);
  return absl::OkStatus();
}

absl::Status PartitionFold::Flush() {
  CRM_RETURN_IF_ERROR(fold_->Flush());
  if (last_.has_value()) {
    position_.stored_hash = RecordHash(*last_);
    last_.reset();
    rows_.Put(PositionRowKey(partition_), EncodePosition(position_));
  }
  return absl::OkStatus();
}

}  // namespace crm
