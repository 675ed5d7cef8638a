#include "common/aggregate/dead_letters.h"

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm {

absl::Status VisitDeadLetters(
    const RowReader& core,
    const std::function<bool(Partition, const common::v1::DeadLetter&)>& visit) {
  for (Partition p = 0; p < kPartitions; ++p) {
    const std::string prefix = FamilyPrefix(p, 'x');
    const auto rows = core.Scan(prefix, PrefixEnd(prefix));
    for (; rows->Valid(); rows->Next()) {
      common::v1::DeadLetter letter;
      if (!letter.ParseFromString(std::string(rows->value()))) {
        return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                     "a row of the core store cannot be read; rebuild the projection");
      }
      if (!visit(p, letter)) return absl::OkStatus();
    }
    CRM_RETURN_IF_ERROR(rows->status());
  }
  return absl::OkStatus();
}

}  // namespace crm
