#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/projection/projection.h"
#include "crm/analytics/v1/analytics_service.pb.h"

namespace crm::analytics {

// Contacts in order of their scores, the sizes of RFM segments, and the runs. The scores and runs
// themselves are the core's rows.
//
//   key                                                value
//   partition 'r' tenant 0 rfm-score(descending) id    -
//   partition 'v' tenant 0 lifetime-value(desc.) id    -
//   partition 'w' tenant 0 alive-probability id        -
//   partition 'p' tenant 0 id                          sized: the three sort keys above, empty
//   where
//                                                      the contact has no such score
//   partition 'g' tenant 0 recency frequency           varint: contacts with these scores
//   partition 'u' tenant 0 start(descending) run-id    -
//
// Sort keys are 8 bytes; recency and frequency a byte each. Who is erased, unreadable or no
// customer any more leaves. Immutable, thread-safe.
class CustomerScores final : public Projection {
 public:
  static constexpr std::string_view kName = "customer-scores";

  enum class Order : char { kRfmScore = 'r', kLifetimeValue = 'v', kAliveProbability = 'w' };

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of the keys of a tenant's contacts in an order; what follows is the contact's place.
  static std::string ListPrefix(Partition partition, Order order, std::string_view tenant);
  static std::string RunsPrefix(Partition partition, std::string_view tenant);
  // The id of the contact or run, from its place.
  static std::string_view IdAt(std::string_view place);

  // Sorted by recency and frequency score. DATA_LOSS.
  static absl::StatusOr<std::vector<v1::RfmSegment>> Segments(const RowReader& rows,
                                                              std::string_view tenant);
};

}  // namespace crm::analytics
