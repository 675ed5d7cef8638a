#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/projection/projection.h"

namespace crm::campaign {

// Who is in which segment, in the partition of the contact. Folds the service's own topic.
//
//   key                                          value
//   partition 'e' tenant 0 segment 0 contact     -
//   partition 'c' tenant 0 contact               MembershipsRow: the segments of the rows above
//   partition 'u' …                              UnreadSubjects
//
// `segment` and `contact` are ids, without their collections. The erased leave, and those whose
// history cannot be read. Immutable, thread-safe.
class SegmentMembers final : public Projection {
 public:
  static constexpr std::string_view kName = "segment-members";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of the keys of a segment's members in one partition, in order of contact id, which
  // follows.
  static std::string ListPrefix(Partition partition, std::string_view tenant,
                                std::string_view segment);
};

struct MembersChunk {
  // Names, "contacts/…", in ascending order.
  std::vector<std::string> contacts;
  // There is none after the last of them.
  bool complete = false;
};

// Members of a segment ("segments/…") in one partition of the view, after the contact `after`
// (empty: from the first on), at most `limit`. DATA_LOSS: a row cannot be read.
absl::StatusOr<MembersChunk> ReadMembers(const RowReader& rows, Partition partition,
                                         std::string_view tenant, std::string_view segment,
                                         std::string_view after, int limit);

}  // namespace crm::campaign
