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
    const auto found = changed_.find(std::string(key));
    if (found != changed_.end()) return found->second;
    for (const std::string& prefix : deleted_prefixes_) {
      if (key.starts_with(prefix)) return std::nullopt;
    }
    return store_.Get(key);
  }
  void Put(std::string key, std::string value) override {
    changed_.insert_or_assign(key, value);
    batch_.Put(std::move(key), std::move(value));
  }
  void Delete(std::string key) override {
    changed_.insert_or_assign(key, std::nullopt);
    batch_.Delete(std::move(key));
  }
  void DeletePrefix(std::string prefix) override {
    absl::erase_if(changed_, [&](const auto& row) { return row.first.starts_with(prefix); });
    deleted_prefixes_.push_back(prefix);
    batch_.DeletePrefix(std::move(prefix));
  }

  // The changes so far; reads go to the store alone from here on, so the batch must be written
  // first.
  RowBatch Take() {
    changed_.clear();
    deleted_prefixes_.clear();
    return std::exchange(batch_, {});
  }

 private:
  const RowReader& store_;
  RowBatch batch_;
  absl::flat_hash_map<std::string, std::optional<std::string>> changed_;
  std::vector<std::string> deleted_prefixes_;
};

}  // namespace crm
