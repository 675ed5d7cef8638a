#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/base/mutex.h"
#include "common/projection/projection.h"
#include "services/campaign/domain/membership.h"

namespace crm::campaign {

// The definitions of segments, each in the partition of its own name. Folds the service's own
// topic.
//
//   key                                value
//   partition 'g' tenant 0 id          SegmentRow; `id` is the name without "segments/"
//   partition 'r'                      offset of the last change in this partition (be64)
//
// Immutable, thread-safe.
class Segments final : public Projection {
 public:
  static constexpr std::string_view kName = "segments";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Start of the keys of a tenant's segments.
  static std::string ListPrefix(Partition partition, std::string_view tenant);
  static std::string RevisionKey(Partition partition);
};

// The segments of each tenant as the view has them, kept as long as no partition of it changes one.
// Thread-safe.
class SegmentCatalogue {
 public:
  // Of the view's rows; what was defined by the time of the call is there. DATA_LOSS: a row cannot
  // be read.
  absl::StatusOr<std::shared_ptr<const TenantSegments>> Get(const RowReader& rows,
                                                            std::string_view tenant);

 private:
  // Per partition, when it last changed.
  using Revision = std::array<std::string, kPartitions>;
  struct Entry {
    Revision revision;
    std::shared_ptr<const TenantSegments> segments;
  };

  Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace crm::campaign
