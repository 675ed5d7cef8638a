#pragma once

#include <cstdint>
#include <memory>

namespace rocksdb {
class Cache;
class WriteBufferManager;
}  // namespace rocksdb

namespace crm {

// Memory that all RocksDB stores of a process share: blocks of files, and rows not yet written to
// one. Made once. Thread-safe; outlives the stores.
class StorageBudget {
 public:
  // `bytes` bounds both together; rows waiting for a file take at most half of it.
  explicit StorageBudget(int64_t bytes);
  ~StorageBudget();

  const std::shared_ptr<rocksdb::Cache>& cache() const { return cache_; }
  const std::shared_ptr<rocksdb::WriteBufferManager>& write_buffers() const {
    return write_buffers_;
  }
  int64_t bytes() const { return bytes_; }
  // What is in use now.
  int64_t used_bytes() const;

 private:
  const int64_t bytes_;
  std::shared_ptr<rocksdb::Cache> cache_;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers_;
};

}  // namespace crm
