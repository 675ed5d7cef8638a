#include "services/campaign/reaction/hand_off.h"

#include <algorithm>
#include <memory>
#include <string>

#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "services/campaign/domain/reach.h"
#include "services/campaign/projection/view_rows.h"
#include "services/campaign/reaction/audience_reading.h"

namespace crm::campaign {
namespace {

using v1::CampaignRecord;
using v1::ReachEvent;
using v1::SendDecided;

// So many are handed over at the same time, at most.
constexpr size_t kKeptSteps = 256;

// The campaign's core row lies in a partition of its own and may be a moment behind.
absl::StatusOr<v1::Step> FindStep(const ReactionContext& context, const SendDecided& send) {
  const Partition partition = PartitionOfSubject(context.tenant, send.campaign());
  CRM_ASSIGN_OR_RETURN(const auto row, context.reading.core.rows->Get(AggregateKey(
                                           partition, context.tenant, send.campaign())));
  v1::Campaign campaign;
  const std::string_view resource = row ? ResourceOfRow(*row) : std::string_view();
  if (!campaign.ParseFromArray(resource.data(), static_cast<int>(resource.size()))) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of the core store cannot be read; rebuild the projection");
  }
  for (const auto& step : campaign.steps()) {
    if (step.step() == send.step()) return step;
  }
  return Error(absl::StatusCode::kUnavailable, "CAMPAIGN_NOT_READ_YET",
               "the campaign of a send is not read yet; tried again");
}

v1::OutboxMessage Headed(const std::string& tenant, const std::string& contact,
                         const SendDecided& send) {
  v1::OutboxMessage message;
  message.set_tenant(tenant);
  message.set_contact(contact);
  message.set_send(send.send());
  message.set_campaign(send.campaign());
  message.set_step(send.step());
  message.set_channel(send.channel());
  message.set_purpose(send.purpose());
  return message;
}

absl::Status FactsBehind() {
  return Error(absl::StatusCode::kUnavailable, "FACTS_BEHIND",
               "consents are not read as far as when the send was decided; tried again");
}

std::string_view Fault(const SendFacts& facts, TimeNs now) {
  if (facts.contact_deleted) return kContactDeleted;
  return ConsentFault(facts.consent, now);
}

}  // namespace

const google::protobuf::Message& HandOff::record() const {
  return CampaignRecord::default_instance();
}

bool HandOff::Concerns(const Event& event) const {
  return event.aggregate_field == ReachAggregate::kRecordField &&
         static_cast<const ReachEvent&>(*event.aggregate_event).has_send_decided();
}

absl::StatusOr<ReactionStep> HandOff::React(const ReactionContext& context, const Event& event,
                                            std::string_view) {
  const auto& send = static_cast<const ReachEvent&>(*event.aggregate_event).send_decided();
  const std::string contact(SubjectOf(event.metadata->aggregate()));
  CRM_ASSIGN_OR_RETURN(const SendFacts facts,
                       ReadSendFacts(AudienceOf(context.reading, context.partition), context.tenant,
                                     contact, send.purpose(), send.channel()));
  // A new owner's view may be behind the one that decided: an older consent must not count.
  if (facts.consent.read_to < send.basis().read_to()) return FactsBehind();
  v1::OutboxMessage message = Headed(context.tenant, contact, send);
  message.set_withheld(std::string(Fault(facts, context.now)));
  if (message.withheld().empty()) {
    CRM_ASSIGN_OR_RETURN(const auto step, StepOf(context, send));
    message.set_subject(step->subject());
    message.set_body(step->body());
  }
  CRM_ASSIGN_OR_RETURN(const v1::OutboxMessage there, outbox_->Put(message));
  const SendKey key{contact, send.campaign(), send.step()};
  ReactionStep step;
  if (there.withheld().empty()) {
    step.commands.push_back(std::make_unique<DeciderCommand<ReachAggregate, MarkHandedOff>>(
        reach_, ReachName(contact), MarkHandedOff{key}));
  } else {
    step.commands.push_back(std::make_unique<DeciderCommand<ReachAggregate, CancelSend>>(
        reach_, ReachName(contact), CancelSend{key, there.withheld(), facts.consent}));
  }
  return step;
}

// Steps do not change once the campaign is launched.
absl::StatusOr<std::shared_ptr<const v1::Step>> HandOff::StepOf(const ReactionContext& context,
                                                                const SendDecided& send) {
  const std::string key = context.tenant + " " + send.campaign() + " " + send.step();
  MutexLock lock(mutex_);
  const auto known = steps_.find(key);
  if (known != steps_.end()) return known->second;
  CRM_ASSIGN_OR_RETURN(v1::Step read, FindStep(context, send));
  if (steps_.size() == kKeptSteps) steps_.clear();
  return steps_[key] = std::make_shared<const v1::Step>(std::move(read));
}

}  // namespace crm::campaign
