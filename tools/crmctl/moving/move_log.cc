#include "tools/crmctl/moving/move_log.h"

#include <algorithm>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/status.h"

namespace crm::crmctl {
namespace {

using common::v1::MovedPartition;

// Over the hashes of a partition's records in order.
class PartitionHash {
 public:
  void Add(const std::vector<Record>& records) {
    for (const Record& record : records) hasher_.Add(RecordHash(record));
  }
  std::string Text() const { return Hex(hasher_.Digest()); }

 private:
  PieceHasher hasher_;
};

absl::Status Differs(const LogDraft& draft, const LogPlace& place, const std::string& what) {
  return Error(absl::StatusCode::kFailedPrecondition, "TARGET_DIFFERS",
               fmt::format("{}: {} {}. Nothing was written; choose an empty target", draft.name(),
                           place.ToString(), what));
}

absl::Status NotAsWritten(const LogDraft& draft, const LogPlace& place) {
  return Error(absl::StatusCode::kDataLoss, "COPY_DIFFERS",
               fmt::format("{}: what can be read of {} is not what was written to it. Somebody "
                           "else writes to it, or the disk fails; begin again with an empty target",
                           draft.name(), place.ToString()));
}

class Move {
 public:
  Move(LogSource& source, LogDraft& draft, const std::function<void(const MoveProgress&)>& progress)
      : source_(source), draft_(draft), progress_(progress) {}

  absl::Status Run() {
    CRM_RETURN_IF_ERROR(FindParts());
    CRM_RETURN_IF_ERROR(draft_.Begin(source_.identity(), source_.topics()));
    for (const auto& part : parts_) CRM_RETURN_IF_ERROR(CompareWhatIsThere(*part));
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
      CRM_RETURN_IF_ERROR(Extend(**part));
    }
    CRM_RETURN_IF_ERROR(draft_.Settle());
    for (const auto& part : parts_) CRM_RETURN_IF_ERROR(CompareWhatWasAdded(*part));
    return draft_.Finish();
  }

  std::vector<MovedPartition> Moved() const {
    std::vector<MovedPartition> moved;
    for (const auto& part : parts_) {
      MovedPartition& answer = moved.emplace_back();
      answer.set_topic(part->place.topic);
      answer.set_partition(part->place.partition);
      answer.set_records(part->end);
      answer.set_records_added(part->end - part->there);
      answer.set_hash(part->of_source.Text());
    }
    return moved;
  }

 private:
  struct Part {
    LogPlace place;
    Offset end = 0;
    // Where the draft ended when the move began.
    Offset there = 0;
    PartitionHash of_source;
    PartitionHash of_draft;
  };

  // All ends before the first record, so that the copy of a log in use is one of a moment.
  absl::Status FindParts() {
    std::vector<std::string> topics = source_.topics();
    std::sort(topics.begin(), topics.end());
    for (const std::string& topic : topics) {
      for (Partition p = 0; p < kPartitions; ++p) {
        auto part = std::make_unique<Part>();
        part->place = {topic, p};
        CRM_ASSIGN_OR_RETURN(part->end, source_.End(part->place));
        progress_now_.records_total += part->end;
        parts_.push_back(std::move(part));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CompareWhatIsThere(Part& part) {
    CRM_ASSIGN_OR_RETURN(part.there, draft_.End(part.place));
    if (part.there > part.end) {
      return Differs(
          draft_, part.place,
          fmt::format("holds {} records, {} only {}", part.there, source_.name(), part.end));
    }
    if (part.there == 0) return absl::OkStatus();
    CRM_RETURN_IF_ERROR(source_.Read(part.place, 0, part.there, [&](const auto& records) {
      part.of_source.Add(records);
      Tell(records.size());
      return absl::OkStatus();
    }));
    CRM_RETURN_IF_ERROR(ReadDraft(part, 0, part.there));
    if (part.of_source.Text() == part.of_draft.Text()) return absl::OkStatus();
    return Differs(
        draft_, part.place,
        fmt::format("holds {} records that are not the first of {}", part.there, source_.name()));
  }

  absl::Status Extend(Part& part) {
    if (part.there == part.end) return absl::OkStatus();
    return source_.Read(part.place, part.there, part.end, [&](const auto& records) {
      part.of_source.Add(records);
      Tell(records.size());
      return draft_.Append(part.place, records);
    });
  }

  absl::Status CompareWhatWasAdded(Part& part) {
    CRM_RETURN_IF_ERROR(ReadDraft(part, part.there, part.end));
    if (part.of_source.Text() == part.of_draft.Text()) return absl::OkStatus();
    return NotAsWritten(draft_, part.place);
  }

  absl::Status ReadDraft(Part& part, Offset from, Offset to) {
    return draft_.Read(part.place, from, to, [&](const auto& records) {
      part.of_draft.Add(records);
      return absl::OkStatus();
    });
  }

  void Tell(size_t records) {
    progress_now_.records += static_cast<int64_t>(records);
    if (progress_) progress_(progress_now_);
  }

  LogSource& source_;
  LogDraft& draft_;
  const std::function<void(const MoveProgress&)>& progress_;
  MoveProgress progress_now_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace

absl::StatusOr<std::vector<MovedPartition>> MoveLog(
    LogSource& source, LogDraft& draft, const std::function<void(const MoveProgress&)>& progress) {
  Move move(source, draft, progress);
  CRM_RETURN_IF_ERROR(move.Run());
  return move.Moved();
}

}  // namespace crm::crmctl
