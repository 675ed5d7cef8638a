#include "common/projection/position.h"

#include "common/base/status.h"

namespace crm {

std::string PositionRowKey(Partition partition) {
  return {static_cast<char>(partition), 'm'};
}

std::string EncodePosition(const StoredPosition& position) {
  common::v1::StorePosition row;
  row.set_log_id(position.log_id);
  row.set_epoch(position.epoch);
  row.set_read_to(position.read_to);
  row.set_stored(position.stored);
  row.set_stored_hash(position.stored_hash);
  row.set_fence(position.fence.fence);
  row.set_next_seq(position.fence.next_seq);
  row.set_recorded_time_ns(position.recorded_time);
  return row.SerializeAsString();
}

absl::StatusOr<StoredPosition> LoadPosition(const RowReader& store, Partition partition) {
  CRM_ASSIGN_OR_RETURN(const auto bytes, store.Get(PositionRowKey(partition)));
  StoredPosition position;
  if (!bytes.has_value()) return position;
  common::v1::StorePosition row;
  if (!row.ParseFromString(*bytes)) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a projection's position cannot be read; rebuild the projection");
  }
  position.log_id = row.log_id();
  position.epoch = row.epoch();
  position.read_to = row.read_to();
  position.stored = row.stored();
  position.stored_hash = row.stored_hash();
  position.fence = {row.fence(), row.next_seq()};
  position.recorded_time = row.recorded_time_ns();
  return position;
}

}  // namespace crm
