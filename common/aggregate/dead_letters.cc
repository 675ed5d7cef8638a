#include "common/aggregate/dead_letters.h"

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm {

absl::Status VisitDeadLetters(
    const RowReader& core,
    const std::function<bool(Partition, const common::v1::DeadLetter&)>& visit) {
  return VisitDeadLettersFrom(core, 0, 0, visit);
}

absl::Status VisitDeadLettersFrom(
    const RowReader& core, Partition partition, Offset offset,
    const std::function<bool(Partition, const common::v1::DeadLetter&)>& visit) {
  for (Partition p = partition; p < kPartitions; ++p) {
    const auto rows =
        core.Scan(DeadLetterKey(p, p == partition ? offset : 0), PrefixEnd(FamilyPrefix(p, 'x')));
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

absl::StatusOr<DeadLetterCounts> CountDeadLetters(const RowReader& core) {
  DeadLetterCounts counts;
  CRM_RETURN_IF_ERROR(
      VisitDeadLetters(core, [&counts](Partition p, const common::v1::DeadLetter& letter) {
        ++(letter.foreign() ? counts.foreign[static_cast<size_t>(p)] : counts.quarantined);
        return true;
      }));
  return counts;
}

}  // namespace crm
