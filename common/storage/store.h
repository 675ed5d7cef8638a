#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace crm {

// Changes of rows, applied together or not at all, in order. Not thread-safe.
class RowBatch {
 public:
  enum class Kind : uint8_t { kPut, kDelete, kDeletePrefix };
  struct Op {
    Kind kind;
    std::string key;
    std::string value;
  };

  void Put(std::string key, std::string value) {
    ops_.push_back({Kind::kPut, std::move(key), std::move(value)});
  }
  void Delete(std::string key) { ops_.push_back({Kind::kDelete, std::move(key), {}}); }
  // Deletes every row whose key starts with `prefix`.
  void DeletePrefix(std::string prefix) {
    ops_.push_back({Kind::kDeletePrefix, std::move(prefix), {}});
  }
  void Append(RowBatch&& other) {
    for (Op& op : other.ops_) ops_.push_back(std::move(op));
    other.ops_.clear();
  }
  const std::vector<Op>& ops() const { return ops_; }
  std::vector<Op>& mutable_ops() { return ops_; }
  bool empty() const { return ops_.empty(); }
  void Clear() { ops_.clear(); }

 private:
  std::vector<Op> ops_;
};

// Rows of a key range in key order or against it, as of the iterator's birth. Not thread-safe.
class RowIterator {
 public:
  virtual ~RowIterator() = default;
  virtual bool Valid() const = 0;
  virtual void Next() = 0;
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
  // OK, or DATA_LOSS when iteration ended at a damaged block.
  virtual absl::Status status() const = 0;
};

// Reading side of a store: the store itself or a snapshot of it. Thread-safe.
class RowReader {
 public:
  virtual ~RowReader() = default;
  // nullopt: no such row. DATA_LOSS: the row cannot be read (checksum).
  virtual absl::StatusOr<std::optional<std::string>> Get(std::string_view key) const = 0;
  // Rows with begin <= key < end; an empty end means "to the last".
  virtual std::unique_ptr<RowIterator> Scan(std::string_view begin, std::string_view end) const = 0;
  // The same rows, the last one first. Costs more a row than Scan.
  virtual std::unique_ptr<RowIterator> ScanBack(std::string_view begin,
                                                std::string_view end) const = 0;
};

// Keys and values, sorted by key and without repeats; the bytes are the caller's.
using SortedRows = std::vector<std::pair<std::string_view, std::string_view>>;

// Ordered rows in one generation directory, or in memory. Writes are atomic and seen by every later
// read, but survive a crash only in order, as a prefix (nothing is synced: the log is the truth).
// Thread-safe. Every implementation passes tests/conformance/store_suite.h.
class Store : public RowReader {
 public:
  virtual absl::Status Write(const RowBatch& batch) = 0;

  // Adds many rows at once; they replace rows with the same keys.
  virtual absl::Status Ingest(const SortedRows& sorted) = 0;

  // A frozen view; must not outlive the store.
  virtual std::unique_ptr<RowReader> Snapshot() const = 0;

  // Reads every byte and checks it. DATA_LOSS names the file.
  virtual absl::Status Verify() const = 0;

  // Bytes on disk or in memory, roughly.
  virtual int64_t ApproximateBytes() const = 0;
};

}  // namespace crm
