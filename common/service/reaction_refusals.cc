#include "common/service/reaction_refusals.h"

#include <algorithm>

#include "common/aggregate/history.h"
#include "common/aggregate/reaction_progress.h"
#include "common/base/status.h"

namespace crm {
namespace {

using admin::v1::ListReactionRefusalsRequest;
using admin::v1::ListReactionRefusalsResponse;
using admin::v1::ReactionRefusalEntry;

void AddEntry(std::string_view reaction, Partition partition, const Event& event,
              ListReactionRefusalsResponse* response) {
  const auto& refused =
      static_cast<const common::v1::ReactionEvent&>(*event.aggregate_event).refused();
  ReactionRefusalEntry* entry = response->add_refusals();
  entry->set_reaction(std::string(reaction));
  entry->set_partition(partition);
  entry->set_source_topic(refused.source().topic());
  entry->set_source_partition(refused.source().partition());
  entry->set_source_offset(refused.source().offset());
  entry->set_tenant(refused.tenant());
  entry->set_aggregate(refused.aggregate());
  entry->set_code(refused.code());
  entry->set_reason(refused.reason());
  *entry->mutable_recorded_time() = event.metadata->recorded_time();
}

absl::Status AddRefusals(const RowReader& core, EventSource events, std::string_view reaction,
                         int size, ListReactionRefusalsResponse* response) {
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(const auto progress, ReadReactionProgress(core, p, reaction));
    response->set_total(response->total() + progress.refused());
    if (progress.refused() == 0 || response->refusals_size() >= size) continue;
    const auto add = [&](const Event& event) {
      const auto& kind = static_cast<const common::v1::ReactionEvent&>(*event.aggregate_event);
      if (kind.has_refused()) AddEntry(reaction, p, event, response);
      return response->refusals_size() < size;
    };
    CRM_RETURN_IF_ERROR(VisitHistory(core, events.schema, events.sealer,
                                     {p, "", ReactionAggregate(reaction)}, 1, add));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ListReactionRefusalsResponse> ReadReactionRefusals(
    const RowReader& core, EventSource events,
    const std::vector<std::unique_ptr<Reaction>>& reactions,
    const ListReactionRefusalsRequest& request) {
  const int size = request.page_size() == 0 ? 100 : std::min(request.page_size(), 1000);
  ListReactionRefusalsResponse response;
  bool known = request.reaction().empty();
  for (const auto& reaction : reactions) {
    if (!request.reaction().empty() && request.reaction() != reaction->name()) continue;
    known = true;
    CRM_RETURN_IF_ERROR(AddRefusals(core, events, reaction->name(), size, &response));
  }
  if (known) return response;
  return InvalidField("reaction", "is none of this service; see the status");
}

}  // namespace crm
