#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/projection/projection.h"
#include "crm/analytics/v1/analytics_service.pb.h"

namespace crm::analytics {

// The time line of each contact: interactions and orders, the latest first.
//
//   key                                                            value
//   partition 'e' tenant 0 id 0 time(descending) kind last-id      v1::TimelineEntry without name
//   and
//                                                                  time, which the key tells
//   partition 'n' tenant 0 id 0 interaction-id                     time(descending): where the row
//                                                                  above is
//   partition 't' tenant 0 id                                      varint: interactions on record
//
// kind is 'i' or 'o'. Orders need no place row: their corrections tell where they were. A
// correction takes its new place. What was said is gone with the erasure of an interaction; that
// there was one stays. Immutable, thread-safe.
class CustomerInteractions final : public Projection {
 public:
  static constexpr std::string_view kName = "customer-interactions";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // The latest `limit` entries of a contact. DATA_LOSS.
  static absl::StatusOr<std::vector<v1::TimelineEntry>> Latest(const RowReader& rows,
                                                               std::string_view tenant,
                                                               std::string_view id, int limit);
  // Interactions on record of a contact.
  static absl::StatusOr<int64_t> Count(const RowReader& rows, std::string_view tenant,
                                       std::string_view id);
};

}  // namespace crm::analytics
