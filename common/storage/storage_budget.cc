#include "common/storage/storage_budget.h"

#include <rocksdb/cache.h>
#include <rocksdb/write_buffer_manager.h>

namespace crm {

// Write buffers are charged to the cache, so that one number bounds both.
StorageBudget::StorageBudget(int64_t bytes)
    : bytes_(bytes),
      cache_(rocksdb::NewLRUCache(static_cast<size_t>(bytes))),
      write_buffers_(
          std::make_shared<rocksdb::WriteBufferManager>(static_cast<size_t>(bytes / 2), cache_)) {}

StorageBudget::~StorageBudget() = default;

int64_t StorageBudget::used_bytes() const {
  return static_cast<int64_t>(cache_->GetUsage());
}

}  // namespace crm
