#pragma once

#include <functional>

#include "absl/status/status.h"
#include "common/base/ids.h"
#include "common/storage/store.h"
#include "crm/common/v1/storage.pb.h"

namespace crm {

// Calls `visit` with every record that could not be folded, by partition and offset, until it
// answers false. DATA_LOSS: a row cannot be read.
absl::Status VisitDeadLetters(
    const RowReader& core,
    const std::function<bool(Partition, const common::v1::DeadLetter&)>& visit);

}  // namespace crm
