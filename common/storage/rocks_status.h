#pragma once

#include <rocksdb/status.h>

#include <string_view>

#include "absl/status/status.h"

namespace crm {

// RocksDB's answer as one of ours. `doing` says what was done to which directory.
//   Corruption, a missing file, a read that fails  DATA_LOSS (STORAGE_DAMAGED)
//   no space                                       RESOURCE_EXHAUSTED (DISK_FULL)
//   any other                                      UNAVAILABLE (STORAGE_UNAVAILABLE)
absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing);

}  // namespace crm
