#pragma once

#include <array>
#include <functional>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/storage/store.h"
#include "crm/common/v1/storage.pb.h"

namespace crm {

// Calls `visit` with every record that could not be folded, by partition and offset, until it
// answers false. DATA_LOSS: a row cannot be read.
absl::Status VisitDeadLetters(
    const RowReader& core,
    const std::function<bool(Partition, const common::v1::DeadLetter&)>& visit);

// The same, from a partition's offset on.
absl::Status VisitDeadLettersFrom(
    const RowReader& core, Partition partition, Offset offset,
    const std::function<bool(Partition, const common::v1::DeadLetter&)>& visit);

struct DeadLetterCounts {
  // Of our own, whose subjects answer DATA_LOSS.
  int64_t quarantined = 0;
  // Of somebody else's, by partition; they stop no subject.
  std::array<int64_t, kPartitions> foreign = {};
};
absl::StatusOr<DeadLetterCounts> CountDeadLetters(const RowReader& core);

}  // namespace crm
