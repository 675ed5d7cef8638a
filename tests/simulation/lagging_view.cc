#include "tests/simulation/lagging_view.h"

#include <algorithm>

#include "common/base/check.h"

namespace crm::simulation {
namespace {

constexpr size_t kMostAtOnce = 20;
// A read finds that the view has moved on since the one before.
constexpr double kStirs = 0.1;

}  // namespace

LaggingView::LaggingView(const PlotView& view, Source source,
                         const std::vector<Partition>& partitions, uint64_t seed)
    : view_(view), source_(std::move(source)), partitions_(partitions), dice_(seed) {}

void LaggingView::Start() {
  diligence_ = dice_.Pick(std::vector<double>{1, 0.5, 0.1, 0.02});
  if (!source_.records) return;
  for (const Partition p : partitions_) {
    absl::StatusOr<StoredPosition> at = LoadPosition(store_, p);
    CRM_CHECK(at.ok());
    folds_[p] = std::make_unique<PartitionFold>(*view_.projection, source_.events, source_.identity,
                                                p, *std::move(at), batch_);
  }
}

void LaggingView::Crash(bool lose_store) {
  folds_.clear();
  const bool nothing_kept = lose_store || dice_.Chance(0.2);
  store_.Crash(
      nothing_kept ? 0 : store_.writes() - dice_.Below(std::min<size_t>(store_.writes(), 9) + 1));
}

void LaggingView::Advance() {
  for (const auto& [partition, fold] : folds_) {
    if (calm_) {
      FoldRecords(partition, SIZE_MAX);
    } else if (dice_.Chance(diligence_)) {
      FoldRecords(partition, 1 + dice_.Below(kMostAtOnce));
    }
  }
}

void LaggingView::Stir() {
  if (calm_ || folds_.empty() || !dice_.Chance(kStirs)) return;
  FoldRecords(dice_.Pick(partitions_), 1 + dice_.Below(kMostAtOnce));
}

void LaggingView::FoldRecords(Partition partition, size_t most) {
  PartitionFold& fold = *folds_.at(partition);
  const std::vector<Record>& records = source_.records(partition);
  const auto from = static_cast<size_t>(fold.position().read_to);
  const size_t to = from + std::min(most, records.size() - from);
  if (from == to) return;
  for (size_t i = from; i < to; ++i) CRM_CHECK(fold.Accept(records[i]).ok());
  CRM_CHECK(fold.Flush().ok());
  CRM_CHECK(store_.Write(batch_.Take()).ok());
}

ProjectionReading LaggingView::Read() {
  ProjectionReading reading;
  reading.rows = &rows_;
  reading.topic = view_.topic;
  for (const auto& [partition, fold] : folds_) {
    reading.read_to[static_cast<size_t>(partition)] = fold->position().read_to;
  }
  return reading;
}

absl::StatusOr<std::optional<std::string>> LaggingView::MovingRows::Get(
    std::string_view key) const {
  view_.Stir();
  return view_.store_.Get(key);
}

std::unique_ptr<RowIterator> LaggingView::MovingRows::Scan(std::string_view begin,
                                                           std::string_view end) const {
  view_.Stir();
  return view_.store_.Scan(begin, end);
}

std::unique_ptr<RowIterator> LaggingView::MovingRows::ScanBack(std::string_view begin,
                                                               std::string_view end) const {
  view_.Stir();
  return view_.store_.ScanBack(begin, end);
}

}  // namespace crm::simulation
