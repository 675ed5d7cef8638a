#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/aggregate/core_fold.h"
#include "common/log/memory/memory_log.h"
#include "common/projection/batch_rows.h"
#include "common/projection/dump.h"
#include "common/projection/partition_fold.h"
#include "common/storage/memory_store.h"
#include "tests/support/contact_commands.h"
#include "tests/support/test_sealer.h"

namespace crm::testing {

struct HistoryOptions {
  uint64_t seed = 1;
  int commands = 200;
  std::vector<Partition> partitions = {0, 5};
  size_t subjects = 6;
  // Erases subjects at random; what follows on them is recorded all the same, as a rebuild may meet
  // events of any order.
  bool erasures = true;
  // Void records, undecodable ones and gaps in versions between the commands.
  bool rubbish = true;
};

// A log with a random history of contacts: several owners one after the other, commands of one to
// four events.
std::unique_ptr<MemoryLog> RandomHistory(const HistoryOptions& options, TestSealer& sealer);

// All records of a partition.
std::vector<Record> ReadAll(Log& log, Partition partition);

// Appends one SubjectErased for each subject of the log's partitions.
void EraseAll(MemoryLog& log, TestSealer& sealer, const HistoryOptions& options);

// Folds the whole log live, with a batch after every `batch` records.
std::unique_ptr<MemoryStore> FoldLive(MemoryLog& log, const CoreProjection& core,
                                      TestSealer& sealer, size_t batch);

// Canonical dumps of all partitions.
std::vector<std::string> DumpHashes(const Store& store, const Projection& projection);

}  // namespace crm::testing
