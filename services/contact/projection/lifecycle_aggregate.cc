#include "services/contact/projection/lifecycle_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::contact {

LifecycleState LifecycleAggregate::Load(const v1::Lifecycle& resource) {
  return {.stage = resource.stage(),
          .stage_time = resource.has_stage_time() ? ToTimeNs(resource.stage_time()) : 0,
          .reason = resource.reason(),
          .evidence = resource.evidence(),
          .erased = resource.has_erase_time()};
}

v1::Lifecycle LifecycleAggregate::Store(const LifecycleState& lifecycle,
                                        const AggregateInfo& info) {
  v1::Lifecycle resource;
  resource.set_name(info.name);
  resource.set_stage(lifecycle.stage);
  if (lifecycle.stage_time != 0) {
    SetTimestamp(lifecycle.stage_time, resource.mutable_stage_time());
  }
  resource.set_reason(lifecycle.reason);
  resource.set_evidence(lifecycle.evidence);
  resource.set_etag(std::to_string(info.version));
  // Shown where a command had nothing to record of it.
  if (info.version == 0) return resource;
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (lifecycle.erased) SetTimestamp(info.update_time, resource.mutable_erase_time());
  return resource;
}

}  // namespace crm::contact
