#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/projection/partition_fold.h"
#include "common/service/reaction.h"
#include "common/storage/store.h"
#include "crm/admin/v1/admin_service.pb.h"

namespace crm {

// What the core has of refused commands of these reactions. Answers INVALID_ARGUMENT for a reaction
// that is none of them, DATA_LOSS.
absl::StatusOr<admin::v1::ListReactionRefusalsResponse> ReadReactionRefusals(
    const RowReader& core, EventSource events,
    const std::vector<std::unique_ptr<Reaction>>& reactions,
    const admin::v1::ListReactionRefusalsRequest& request);

}  // namespace crm
