#pragma once

#include <functional>
#include <string>

#include "common/projection/projection.h"

namespace crm {

enum class DumpKind {
  // Every row but the position, byte by byte.
  kCanonical,
  // What the rows mean: without versions, positions, ids of events and recorded times.
  kBusiness,
};

struct DumpSummary {
  // XXH3-128 over the rows, in hex.
  std::string hash;
  int64_t rows = 0;
};

// Dumps one partition of a projection's store in key order. `line` gets each row as one line of
// text and may be empty. DATA_LOSS: a row cannot be read.
absl::StatusOr<DumpSummary> DumpPartition(const RowReader& store, const Projection& projection,
                                          Partition partition, DumpKind kind,
                                          const std::function<void(std::string)>& line);

}  // namespace crm
