#pragma once

#include "absl/status/statusor.h"
#include "common/storage/store.h"
#include "crm/admin/v1/admin_service.pb.h"

namespace crm {

// A page of the core's dead letters, by partition and offset. INVALID_ARGUMENT names page_size or
// page_token.
absl::StatusOr<admin::v1::ListDeadLettersResponse> ReadDeadLetters(
    const RowReader& core, const admin::v1::ListDeadLettersRequest& request);

}  // namespace crm
