#include "services/campaign/reaction/send_of_step.h"

#include <memory>
#include <utility>

#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/domain/reach.h"
#include "services/campaign/projection/campaign_aggregate.h"
#include "services/campaign/projection/segment_members.h"
#include "services/campaign/reaction/audience_reading.h"

namespace crm::campaign {
namespace {

// Contacts of one chunk.
constexpr int kChunk = 256;

DecideSend Decision(const std::string& campaign, const v1::CampaignStepStarted& started,
                    const std::string& contact, SendFacts facts, TimeNs now) {
  return {.send = {contact, campaign, started.step().step()},
          .channel = started.step().channel(),
          .purpose = started.step().purpose(),
          .segment = started.segment(),
          .cap = {started.cap().sends(), started.cap().days()},
          .consent = std::move(facts.consent),
          .contact_deleted = facts.contact_deleted,
          .time = now};
}

// The campaign's core row lies in a partition of its own and may be a moment behind.
absl::StatusOr<bool> HasEnded(const ReactionContext& context, const std::string& campaign) {
  const Partition partition = PartitionOfSubject(context.tenant, campaign);
  CRM_ASSIGN_OR_RETURN(const auto row, context.reading.core.rows->Get(
                                           AggregateKey(partition, context.tenant, campaign)));
  v1::Campaign resource;
  const std::string_view bytes = row ? ResourceOfRow(*row) : std::string_view();
  if (!resource.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of the core store cannot be read; rebuild the projection");
  }
  return resource.state() == v1::Campaign::ENDED;
}

}  // namespace

const google::protobuf::Message& SendOfStep::record() const {
  return v1::CampaignRecord::default_instance();
}

std::vector<std::string> SendOfStep::views() const {
  return {std::string(SegmentMembers::kName)};
}

bool SendOfStep::Concerns(const Event& event) const {
  return event.aggregate_field == CampaignAggregate::kRecordField &&
         static_cast<const v1::CampaignEvent&>(*event.aggregate_event).has_step_started();
}

absl::StatusOr<ReactionStep> SendOfStep::React(const ReactionContext& context, const Event& event,
                                               std::string_view progress) {
  const std::string& campaign = event.metadata->aggregate();
  const auto& started =
      static_cast<const v1::CampaignEvent&>(*event.aggregate_event).step_started();
  CRM_ASSIGN_OR_RETURN(const bool ended, HasEnded(context, campaign));
  if (ended) return ReactionStep();
  CRM_ASSIGN_OR_RETURN(
      const MembersChunk chunk,
      ReadMembers(*context.reading.view(SegmentMembers::kName).rows, context.partition,
                  context.tenant, started.segment(), progress, kChunk));
  const Audience audience = AudienceOf(context.reading, context.partition);
  ReactionStep step;
  step.commands.reserve(chunk.contacts.size());
  for (const std::string& contact : chunk.contacts) {
    CRM_ASSIGN_OR_RETURN(SendFacts facts,
                         ReadSendFacts(audience, context.tenant, contact, started.step().purpose(),
                                       started.step().channel()));
    step.commands.push_back(std::make_unique<DeciderCommand<ReachAggregate, DecideSend>>(
        reach_, ReachName(contact),
        Decision(campaign, started, contact, std::move(facts), context.now)));
  }
  if (!chunk.complete) step.progress = chunk.contacts.back();
  return step;
}

}  // namespace crm::campaign
