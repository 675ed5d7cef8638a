#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/projection/batch_rows.h"
#include "common/projection/partition_fold.h"
#include "common/service/view_reading.h"
#include "tests/simulation/plot.h"
#include "tests/support/unsynced_store.h"

namespace crm::simulation {

// A view of one process: folds a topic into a store of its own, behind the end of the log by
// chance. As in production, where the fold is another thread's, the rows may move on between the
// moment a reader learns how far they are and the moment it reads them.
class LaggingView {
 public:
  struct Source {
    // Every record of a partition so far, from offset 0; nothing is folded without it.
    std::function<const std::vector<Record>&(Partition)> records;
    EventSource events;
    LogIdentity identity;
  };

  LaggingView(const PlotView& view, Source source, const std::vector<Partition>& partitions,
              uint64_t seed);

  // The process begins, with what its disk kept.
  void Start();
  // The process ends; a restart finds a prefix of the writes, or nothing.
  void Crash(bool lose_store);
  // Folds some records, or none.
  void Advance();
  // No more lagging, and nothing moves under a reader.
  void CalmDown() { calm_ = true; }

  // Of this view as it stands now. Borrowed until the next Crash.
  ProjectionReading Read();
  std::string_view name() const { return view_.projection->name(); }

 private:
  // The store, moving on now and then before it answers.
  class MovingRows final : public RowReader {
   public:
    explicit MovingRows(LaggingView& view) : view_(view) {}
    absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
    std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const override;
    std::unique_ptr<RowIterator> ScanBack(std::string_view begin,
                                          std::string_view end) const override;

   private:
    LaggingView& view_;
  };

  void Stir();
  void FoldRecords(Partition partition, size_t most);

  const PlotView view_;
  const Source source_;
  const std::vector<Partition> partitions_;
  Dice dice_;
  testing::UnsyncedStore store_;
  BatchRows batch_{store_};
  std::map<Partition, std::unique_ptr<PartitionFold>> folds_;
  const MovingRows rows_{*this};
  // Of folding anything at all when there is occasion to.
  double diligence_ = 1;
  bool calm_ = false;
};

}  // namespace crm::simulation
