#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/storage/store.h"

namespace crm::testing {

// Rows in an ordered map, for tests that fill rows themselves and read them. Iterators see later
// writes. Not thread-safe.
class MapRows final : public RowReader {
 public:
  std::map<std::string, std::string, std::less<>>& rows() { return rows_; }

  void Write(const RowBatch& batch) {
    for (const RowBatch::Op& op : batch.ops()) {
      if (op.kind == RowBatch::Kind::kPut) rows_.insert_or_assign(op.key, op.value);
      if (op.kind == RowBatch::Kind::kDelete) rows_.erase(op.key);
      if (op.kind == RowBatch::Kind::kDeletePrefix) {
        std::erase_if(rows_, [&](const auto& row) { return row.first.starts_with(op.key); });
      }
    }
  }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const override {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return std::nullopt;
    return found->second;
  }

  std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const override {
    const auto last = end.empty() ? rows_.end() : rows_.lower_bound(end);
    return std::make_unique<Iterator>(rows_.lower_bound(begin), last);
  }

 private:
  using Place = std::map<std::string, std::string, std::less<>>::const_iterator;
  class Iterator final : public RowIterator {
   public:
    Iterator(Place at, Place end) : at_(at), end_(end) {}
    bool Valid() const override { return at_ != end_; }
    void Next() override { ++at_; }
    std::string_view key() const override { return at_->first; }
    std::string_view value() const override { return at_->second; }
    absl::Status status() const override { return absl::OkStatus(); }

   private:
    Place at_, end_;
  };

  std::map<std::string, std::string, std::less<>> rows_;
};

}  // namespace crm::testing
