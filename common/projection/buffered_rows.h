#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/projection/projection.h"

namespace crm {

// Rows of a rebuild: kept in memory as they come, sorted once, and ingested into the store
// together. Partitions follow one another in ascending order; rows of one that was left are not
// read any more. Keys start with the partition and the family. Not thread-safe; outlived by the
// store.
class BufferedRows final : public Rows {
 public:
  explicit BufferedRows(Store& store) : store_(store) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override;
  void Put(std::string key, std::string value) override;
  void Delete(std::string key) override;
  void DeletePrefix(std::string prefix) override;

  // Memory held, about.
  int64_t bytes() const { return bytes_; }

  // The partition is complete.
  absl::Status Leave();
  // Moves everything into the store, from where it is read while the partition lasts.
  absl::Status Spill();

 private:
  enum class Kind : uint8_t { kPut, kDelete, kDeletePrefix };
  // Later ones count. Key and value lie one after the other.
  struct Change {
    Kind kind;
    uint32_t key_size;
    uint32_t value_size;
    const char* data;

    std::string_view key() const { return {data, key_size}; }
    std::string_view value() const { return {data + key_size, value_size}; }
  };
  using Number = uint32_t;  // of a change
  struct Family {
    std::vector<Change> changes;
    // What Get needs of the first `indexed` changes. Folds read little back, so a family is indexed
    // when one reads it.
    size_t indexed = 0;
    absl::flat_hash_map<std::string_view, Number> latest;
    std::map<size_t, absl::flat_hash_map<std::string_view, Number>> deleted_prefixes;  // by length

    void Index();
    bool DeletedSince(std::string_view key, std::optional<Number> number) const;
    std::vector<Number> InKeyOrder() const;
  };

  struct Chunk {
    size_t size;
    std::unique_ptr<char[]> bytes;
  };

  void Add(Kind kind, std::string_view key, std::string_view value);
  char* Allocate(size_t size);
  // Makes sorted rows of the changes.
  void Sort();
  void Merge(const Family& family);

  Store& store_;
  // Of the partition that lasts; by the second byte of the keys.
  std::map<unsigned char, Family> families_;
  // Some of its rows are in the store.
  bool spilled_ = false;

  // Of all partitions since the last Spill.
  SortedRows sorted_;
  RowBatch deletes_;
  std::vector<Chunk> chunks_;
  // Emptied ones of kChunkBytes.
  std::vector<std::unique_ptr<char[]>> spare_chunks_;
  char* free_ = nullptr;
  size_t free_bytes_ = 0;
  int64_t bytes_ = 0;
  absl::Status failure_;
};

}  // namespace crm
