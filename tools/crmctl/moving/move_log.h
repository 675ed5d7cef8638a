#pragma once

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/common/v1/log_export.pb.h"
#include "tools/crmctl/moving/log_contents.h"

namespace crm::crmctl {

struct MoveProgress {
  // Read and compared, or read and written.
  int64_t records = 0;
  int64_t records_total = 0;
};

// Brings every record of the source to where it belongs in the draft, offset for offset, reads what
// was written and compares it by hash, then finishes the draft. What lies in the draft already is
// compared first, all of it, before anything is written: repeated after a break, it goes on.
//
// Answers the partitions by topic and number. The first partition of the first topic is filled
// last, so that a place that tells a log by its first record is none until it is complete.
//
// FAILED_PRECONDITION (TARGET_DIFFERS): the draft holds records that are not the source's, or more
// than it; names the place, nothing was written. DATA_LOSS: the source is damaged, or the draft
// does not hold what was written to it.
absl::StatusOr<std::vector<common::v1::MovedPartition>> MoveLog(
    LogSource& source, LogDraft& draft, const std::function<void(const MoveProgress&)>& progress);

}  // namespace crm::crmctl
