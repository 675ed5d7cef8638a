#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/log/fence_filter.h"
#include "common/storage/store.h"
#include "crm/common/v1/storage.pb.h"

namespace crm {

// How far a store has folded one partition (PROTOCOL §5). A plain value.
struct StoredPosition {
  std::string log_id;
  int64_t epoch = 0;
  // Everything below is folded, void or ownership.
  Offset read_to = 0;
  // End of the last complete command, with the hash of its last record.
  Offset stored = 0;
  std::string stored_hash;
  // The filter's state at `stored`.
  FenceState fence;
  // Of the last valid event.
  TimeNs recorded_time = 0;
};

// The row every batch ends with: key partition 'm'.
std::string PositionRowKey(Partition partition);
std::string EncodePosition(const StoredPosition& position);
// A store without the row stands at the beginning. DATA_LOSS: the row cannot be read.
absl::StatusOr<StoredPosition> LoadPosition(const RowReader& store, Partition partition);

}  // namespace crm
