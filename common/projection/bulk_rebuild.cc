#include "common/projection/bulk_rebuild.h"

#include "common/base/status.h"
#include "common/projection/buffered_rows.h"

namespace crm {
namespace {

// Aggregates a fold may hold back between flushes: few enough to stay in the processor's cache,
// many enough that most of those met again soon are not read back.
constexpr int64_t kEventsPerFlush = 1 << 14;

class Rebuild {
 public:
  Rebuild(Log& log, const Projection& projection, EventSource source, Store& store,
          const RebuildOptions& options)
      : log_(log), projection_(projection), source_(source), rows_(store), options_(options) {}

  absl::StatusOr<RebuildProgress> Run() {
    std::vector<Offset> ends = options_.until;
    if (ends.empty()) {
      for (Partition p = 0; p < kPartitions; ++p) {
        CRM_ASSIGN_OR_RETURN(const Offset end, log_.EndOffset(p));
        ends.push_back(end);
      }
    }
    for (const Offset end : ends) progress_.records_total += end;
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_RETURN_IF_ERROR(FoldPartition(p, ends[static_cast<size_t>(p)]));
    }
    CRM_RETURN_IF_ERROR(rows_.Spill());
    return progress_;
  }

 private:
  absl::Status FoldPartition(Partition partition, Offset end) {
    if (end == 0) return absl::OkStatus();
    PartitionFold fold(projection_, source_, log_.identity(), partition, StoredPosition{}, rows_);
    CRM_ASSIGN_OR_RETURN(const auto tail, log_.OpenTail({{partition, 0}}));
    int64_t flushed = 0;
    const RebuildProgress before = progress_;
    while (fold.position().read_to < end) {
      CRM_ASSIGN_OR_RETURN(TailBatch batch, tail->Poll(kSecond));
      for (Record& record : batch.records) {
        if (record.offset >= end) break;
        CRM_RETURN_IF_ERROR(fold.Accept(std::move(record)));
      }
      if (rows_.bytes() > options_.buffer_bytes || fold.events() - flushed > kEventsPerFlush) {
        CRM_RETURN_IF_ERROR(fold.Flush());
        flushed = fold.events();
        if (rows_.bytes() > options_.buffer_bytes) CRM_RETURN_IF_ERROR(rows_.Spill());
      }
      progress_.records_read = before.records_read + fold.position().read_to;
      progress_.events_folded = before.events_folded + fold.events();
      progress_.unreadable = before.unreadable + fold.unreadable();
      if (options_.progress && !options_.progress(progress_)) {
        return absl::CancelledError("the rebuild was stopped");
      }
    }
    CRM_RETURN_IF_ERROR(fold.Flush());
    return rows_.Leave();
  }

  Log& log_;
  const Projection& projection_;
  EventSource source_;
  BufferedRows rows_;
  const RebuildOptions& options_;
  RebuildProgress progress_;
};

}  // namespace

absl::StatusOr<RebuildProgress> BulkRebuild(Log& log, const Projection& projection,
                                            EventSource source, Store& store,
                                            const RebuildOptions& options) {
  return Rebuild(log, projection, source, store, options).Run();
}

}  // namespace crm
