#include "services/campaign/reaction/segment_backfill.h"

#include "common/base/status.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/projection/contact_facts.h"
#include "services/campaign/reaction/audience_reading.h"

namespace crm::campaign {
const google::protobuf::Message& SegmentBackfill::record() const {
  return v1::CampaignRecord::default_instance();
}

std::vector<std::string> SegmentBackfill::views() const {
  return {std::string(Segments::kName)};
}

bool SegmentBackfill::Concerns(const Event& event) const {
  return event.aggregate_field == v1::CampaignRecord::kSegmentFieldNumber &&
         static_cast<const v1::SegmentEvent&>(*event.aggregate_event).has_defined();
}

absl::StatusOr<ReactionStep> SegmentBackfill::React(const ReactionContext& context,
                                                    const Event& event, std::string_view progress) {
  const std::string& defined = event.metadata->aggregate();
  CRM_ASSIGN_OR_RETURN(const auto segments, rules_->SegmentsOf(context.reading, context.tenant));
  const SegmentDefinition* definition = segments->Find(defined);
  if (definition == nullptr || definition->deleted) return ReactionStep();
  CRM_ASSIGN_OR_RETURN(const ContactsChunk chunk,
                       ReadContacts(AudienceOf(context.reading, context.partition), context.tenant,
                                    progress, chunk_));
  ReactionStep step;
  for (const std::string& contact : chunk.contacts) {
    CRM_ASSIGN_OR_RETURN(auto command, rules_->CommandFor(context, {contact, defined}));
    if (command != nullptr) step.commands.push_back(std::move(command));
  }
  if (!chunk.complete) step.progress = chunk.contacts.back();
  return step;
}

}  // namespace crm::campaign
