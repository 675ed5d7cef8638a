#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "common/storage/storage_budget.h"
#include "common/storage/store.h"

namespace rocksdb {
class DB;
}

namespace crm {

struct RocksStoreOptions {
  // Shared by the process's stores; outlives them.
  StorageBudget* budget = nullptr;
  // Rows kept in memory before they go to a file.
  int64_t write_buffer_bytes = 32 << 20;
};

// Rows in a directory. Nothing is synced: after a crash of the process all written batches are
// there, after a power loss a prefix of them. Damage answers DATA_LOSS at Open, at a read or at
// Verify, and never shows as a wrong row: set the generation aside and rebuild (generation.h).
class RocksStore final : public Store {
 public:
  // Opens the store in `directory`, or makes an empty one where the directory is empty or absent.
  // Errors: DATA_LOSS, RESOURCE_EXHAUSTED (disk full), UNAVAILABLE (the files cannot be used, e.g.
  // permissions).
  static absl::StatusOr<std::unique_ptr<RocksStore>> Open(const std::string& directory,
                                                          const RocksStoreOptions& options);
  ~RocksStore() override;

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override;
  std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const override;
  std::unique_ptr<RowIterator> ScanBack(std::string_view begin,
                                        std::string_view end) const override;
  absl::Status Write(const RowBatch& batch) override;
  absl::Status Ingest(const SortedRows& sorted) override;
  std::unique_ptr<RowReader> Snapshot() const override;
  absl::Status Verify() const override;
  int64_t ApproximateBytes() const override;

  const std::string& directory() const { return directory_; }

 private:
  RocksStore(std::string directory, std::unique_ptr<rocksdb::DB> db);
  absl::Status VerifyRows() const;

  const std::string directory_;
  std::unique_ptr<rocksdb::DB> db_;
  // Names files that are about to be ingested.
  std::atomic<int64_t> ingested_files_ = 0;
};

}  // namespace crm
