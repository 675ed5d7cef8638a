#pragma once

#include <functional>

#include "common/log/log.h"
#include "common/projection/partition_fold.h"
#include "common/storage/store.h"

namespace crm {

struct RebuildProgress {
  int64_t records_read = 0;
  // In the log when the rebuild began.
  int64_t records_total = 0;
  int64_t events_folded = 0;
  int64_t unreadable = 0;
};

struct RebuildOptions {
  // Each folds partitions of its own.
  int threads = 1;
  // Rows that all threads hold in memory before they are sorted and written; about this many bytes.
  int64_t buffer_bytes = 128 << 20;
  // Called now and then, by one thread at a time; false stops the rebuild (CANCELLED).
  std::function<bool(const RebuildProgress&)> progress;
  // Fold only records below these offsets; empty = up to the log's end as seen at the start.
  std::vector<Offset> until;
};

// Folds a whole log into an empty store: partition by partition in memory, sorted, written as whole
// files and ingested. The rows equal those of folding live, byte by byte. Memory stays within the
// buffer whatever the log's length.
absl::StatusOr<RebuildProgress> BulkRebuild(Log& log, const Projection& projection,
                                            EventSource source, Store& store,
                                            const RebuildOptions& options);

}  // namespace crm
