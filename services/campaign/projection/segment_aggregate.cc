#include "services/campaign/projection/segment_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::campaign {

Segment SegmentAggregate::Load(const v1::Segment& resource) {
  return {.kind = resource.kind(),
          .display_name = resource.display_name(),
          .filter = resource.filter(),
          .deleted = resource.has_delete_time()};
}

v1::Segment SegmentAggregate::Store(const Segment& segment, const AggregateInfo& info) {
  v1::Segment resource;
  resource.set_name(info.name);
  resource.set_kind(segment.kind);
  resource.set_display_name(segment.display_name);
  resource.set_filter(segment.filter);
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (segment.deleted) SetTimestamp(info.update_time, resource.mutable_delete_time());
  return resource;
}

}  // namespace crm::campaign
