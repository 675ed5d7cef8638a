#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/mutex.h"
#include "common/storage/store.h"

namespace crm {

// Rows in memory, for simulations and tests of folds. Thread-safe. A snapshot or iterator costs
// nothing until the next write, which then copies all rows.
class MemoryStore final : public Store {
 public:
  MemoryStore();

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
  std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const override;
  std::unique_ptr<RowIterator> ScanBack(std::string_view begin,
                                        std::string_view end) const override;
  absl::Status Write(const RowBatch& batch) override;
  absl::Status Ingest(const SortedRows& sorted) override;
  std::unique_ptr<RowReader> Snapshot() const override;
  absl::Status Verify() const override { return absl::OkStatus(); }
  int64_t ApproximateBytes() const override;

 private:
  using Rows = std::map<std::string, std::string, std::less<>>;
  class Frozen;
  class Range;
  template <typename At>
  class Iterator;

  // With the mutex held: rows that nobody else sees.
  Rows& Writable();

  mutable Mutex mutex_;
  // Shared with snapshots and iterators; changed only while nobody shares it.
  std::shared_ptr<Rows> rows_;
};

}  // namespace crm
