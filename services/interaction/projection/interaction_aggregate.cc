#include "services/interaction/projection/interaction_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::interaction {
namespace {

Lifecycle LifecycleOf(const v1::Interaction& resource) {
  if (resource.has_erase_time()) return Lifecycle::kErased;
  return resource.has_occurred_time() ? Lifecycle::kRecorded : Lifecycle::kUnknown;
}

}  // namespace

Interaction InteractionAggregate::Load(const v1::Interaction& resource) {
  Interaction interaction{.lifecycle = LifecycleOf(resource)};
  ReadOthers(resource, &interaction.content);
  ReadPersonal(resource, &interaction.content);
  interaction.external_key = ReadExternalKey(resource);
  return interaction;
}

v1::Interaction InteractionAggregate::Store(const Interaction& interaction,
                                            const AggregateInfo& info) {
  v1::Interaction resource;
  resource.set_name(info.name);
  if (interaction.lifecycle != Lifecycle::kUnknown) WriteOthers(interaction.content, &resource);
  WritePersonal(interaction.content, &resource);
  WriteExternalKey(interaction.external_key, &resource);
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (interaction.lifecycle == Lifecycle::kErased) {
    SetTimestamp(info.update_time, resource.mutable_erase_time());
  }
  return resource;
}

}  // namespace crm::interaction
