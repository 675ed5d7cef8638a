#pragma once

#include "absl/container/flat_hash_map.h"
#include "common/projection/projection.h"

namespace crm {

// Rows over a store, changed in a batch that the caller writes. Reads see the batch first. Not
// thread-safe.
class BatchRows final : public Rows {
 public:
  explicit BatchRows(const RowReader& store) : store_(store) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    IndexChanges();
    const auto found = latest_.find(std::string(key));
    if (found != latest_.end()) {
      const RowBatch::Op& op = batch_.ops()[found->second];
      if (op.kind == RowBatch::Kind::kPut) return op.value;
      return std::nullopt;
    }
    for (const std::string& prefix : deleted_prefixes_) {
      if (key.starts_with(prefix)) return std::nullopt;
    }
    return store_.Get(key);
  }
  void Put(std::string key, std::string value) override {
    batch_.Put(std::move(key), std::move(value));
  }
  void Delete(std::string key) override { batch_.Delete(std::move(key)); }
  void DeletePrefix(std::string prefix) override { batch_.DeletePrefix(std::move(prefix)); }

  // The changes so far; reads go to the store alone from here on, so the batch must be written
  // first.
  RowBatch Take() {
    indexed_ = 0;
    latest_.clear();
    deleted_prefixes_.clear();
    return std::exchange(batch_, {});
  }

 private:
  // Most folds read little back of what they put, so the batch is indexed when one reads.
  void IndexChanges() {
    for (; indexed_ < batch_.ops().size(); ++indexed_) {
      const RowBatch::Op& op = batch_.ops()[indexed_];
      if (op.kind == RowBatch::Kind::kDeletePrefix) {
        absl::erase_if(latest_, [&](const auto& row) { return row.first.starts_with(op.key); });
        deleted_prefixes_.push_back(op.key);
      } else {
        latest_[op.key] = indexed_;
      }
    }
  }

  const RowReader& store_;
  RowBatch batch_;
  size_t indexed_ = 0;
  // Number of the latest change of a row.
  absl::flat_hash_map<std::string, size_t> latest_;
  std::vector<std::string> deleted_prefixes_;
};

}  // namespace crm
