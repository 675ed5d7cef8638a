#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/storage/memory_store.h"

namespace crm::testing {

// A store of a process that may die: remembers its writes in order, so that a crash can leave any
// prefix of them.
class UnsyncedStore final : public Store {
 public:
  // The rows a crash leaves when only the first `writes` reached the disk.
  void Crash(size_t writes) {
    writes_.resize(writes);
    fail_write_ = false;
    fail_read_in_ = -1;
    rows_ = std::make_unique<MemoryStore>();
    for (const RowBatch& batch : writes_) (void)rows_->Write(batch);
  }
  size_t writes() const { return writes_.size(); }
  // The next write fails.
  void FailOneWrite() { fail_write_ = true; }
  // One read fails, after so many more that do not.
  void FailOneRead(int after) { fail_read_in_ = after; }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    if (fail_read_in_ >= 0 && fail_read_in_-- == 0)
      return absl::UnavailableError("the disk does not answer");
    return rows_->Get(key);
  }
  std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const override {
    return rows_->Scan(begin, end);
  }
  std::unique_ptr<RowIterator> ScanBack(std::string_view begin,
                                        std::string_view end) const override {
    return rows_->ScanBack(begin, end);
  }
  absl::Status Write(const RowBatch& batch) override {
    if (std::exchange(fail_write_, false)) return absl::UnavailableError("the disk is full");
    writes_.push_back(batch);
    return rows_->Write(batch);
  }
  absl::Status Ingest(const SortedRows& sorted) override {
    RowBatch batch;
    for (const auto& [key, value] : sorted) batch.Put(std::string(key), std::string(value));
    return Write(batch);
  }
  std::unique_ptr<RowReader> Snapshot() const override { return rows_->Snapshot(); }
  absl::Status Verify() const override { return rows_->Verify(); }
  int64_t ApproximateBytes() const override { return rows_->ApproximateBytes(); }

 private:
  std::unique_ptr<MemoryStore> rows_ = std::make_unique<MemoryStore>();
  std::vector<RowBatch> writes_;
  bool fail_write_ = false;
  mutable int fail_read_in_ = -1;
};

}  // namespace crm::testing
