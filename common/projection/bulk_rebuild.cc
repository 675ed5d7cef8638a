#include "common/projection/bulk_rebuild.h"

#include <optional>

#include "absl/container/btree_map.h"
#include "common/base/status.h"

namespace crm {
namespace {

constexpr int64_t kRowOverhead = 96;
// Aggregates a fold may hold back between flushes.
constexpr int64_t kEventsPerFlush = 1 << 17;

// Rows of one partition in memory, in key order; what does not fit is in the store.
class BufferedRows final : public Rows {
 public:
  explicit BufferedRows(Store& store) : store_(store) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const auto found = rows_.find(std::string(key));
    if (found != rows_.end()) return found->second;
    if (!spilled_) return std::nullopt;
    return store_.Get(key);
  }
  void Put(std::string key, std::string value) override {
    bytes_ += static_cast<int64_t>(key.size() + value.size()) + kRowOverhead;
    rows_.insert_or_assign(std::move(key), std::move(value));
  }
  void Delete(std::string key) override { rows_.insert_or_assign(std::move(key), std::nullopt); }
  void DeletePrefix(std::string prefix) override {
    auto from = rows_.lower_bound(prefix);
    auto to = from;
    while (to != rows_.end() && to->first.starts_with(prefix)) ++to;
    rows_.erase(from, to);
    if (!spilled_) return;
    RowBatch batch;
    batch.DeletePrefix(std::move(prefix));
    if (absl::Status status = store_.Write(batch); !status.ok()) failure_ = status;
  }

  int64_t bytes() const { return bytes_; }

  // Moves everything into the store.
  absl::Status Spill() {
    CRM_RETURN_IF_ERROR(failure_);
    RowBatch deletes;
    std::vector<std::pair<std::string, std::string>> sorted;
    sorted.reserve(rows_.size());
    for (auto& [key, value] : rows_) {
      if (value.has_value()) {
        sorted.emplace_back(key, std::move(*value));
      } else {
        deletes.Delete(key);
      }
    }
    rows_.clear();
    bytes_ = 0;
    if (spilled_ && !deletes.empty()) CRM_RETURN_IF_ERROR(store_.Write(deletes));
    spilled_ = true;
    return sorted.empty() ? absl::OkStatus() : store_.Ingest(sorted);
  }

 private:
  Store& store_;
  absl::btree_map<std::string, std::optional<std::string>> rows_;
  int64_t bytes_ = 0;
  bool spilled_ = false;
  absl::Status failure_;
};

class Rebuild {
 public:
  Rebuild(Log& log, const Projection& projection, EventSource source, Store& store,
          const RebuildOptions& options)
      : log_(log), projection_(projection), source_(source), store_(store), options_(options) {}

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
    return progress_;
  }

 private:
  absl::Status FoldPartition(Partition partition, Offset end) {
    if (end == 0) return absl::OkStatus();
    BufferedRows rows(store_);
    PartitionFold fold(projection_, source_, log_.identity(), partition, StoredPosition{}, rows);
    CRM_ASSIGN_OR_RETURN(const auto tail, log_.OpenTail({{partition, 0}}));
    int64_t flushed = 0;
    const RebuildProgress before = progress_;
    while (fold.position().read_to < end) {
      CRM_ASSIGN_OR_RETURN(TailBatch batch, tail->Poll(kSecond));
      for (Record& record : batch.records) {
        if (record.offset >= end) break;
        CRM_RETURN_IF_ERROR(fold.Accept(std::move(record)));
      }
      if (rows.bytes() > options_.buffer_bytes || fold.events() - flushed > kEventsPerFlush) {
        CRM_RETURN_IF_ERROR(fold.Flush());
        flushed = fold.events();
        if (rows.bytes() > options_.buffer_bytes) CRM_RETURN_IF_ERROR(rows.Spill());
      }
      progress_.records_read = before.records_read + fold.position().read_to;
      progress_.events_folded = before.events_folded + fold.events();
      progress_.unreadable = before.unreadable + fold.unreadable();
      if (options_.progress && !options_.progress(progress_)) {
        return absl::CancelledError("the rebuild was stopped");
      }
    }
    CRM_RETURN_IF_ERROR(fold.Flush());
    return rows.Spill();
  }

  Log& log_;
  const Projection& projection_;
  EventSource source_;
  Store& store_;
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
