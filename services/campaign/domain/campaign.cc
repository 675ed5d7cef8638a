#include "services/campaign/domain/campaign.h"

#include <algorithm>
#include <utility>

#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::campaign {

static_assert(DeciderOf<CampaignDecider, CreateCampaign, UpdateCampaign, LaunchCampaign, StartStep,
                        EndCampaign>);

namespace {

using Events = CampaignDecider::Events;
using v1::CampaignEvent;

absl::Status NoSuchCampaign() {
  return NotFound(kCampaignNotFound, "there is no campaign of this name; create it first");
}
absl::Status Taken() {
  return AlreadyExists(kCampaignExists,
                       "a campaign of this name has other content; update it instead");
}
absl::Status IsLaunched() {
  return Refused(kCampaignLaunched, "the campaign was launched; only drafts are changed");
}
absl::Status IsNotLaunched() {
  return Refused(kCampaignNotLaunched, "the campaign is a draft; launch it, which starts step one");
}
absl::Status IsEnded() {
  return Refused(kCampaignEnded, "the campaign has ended; make a new one");
}

Events Nothing() {
  return {};
}

Events One(CampaignEvent event) {
  Events events;
  events.push_back(std::move(event));
  return events;
}

CampaignContent Merge(CampaignContent base, const CampaignContent& wanted,
                      const CampaignMask& mask) {
  ForEachField([&](std::string_view name, auto field) {
    if (std::find(mask.begin(), mask.end(), name) != mask.end()) base.*field = wanted.*field;
  });
  return base;
}

absl::Status CheckWindow(const CampaignContent& content, TimeNs time) {
  const bool early = content.start_time && time < *content.start_time;
  const bool late = content.end_time && time >= *content.end_time;
  if (!early && !late) return absl::OkStatus();
  return Refused(kOutsideWindow, early ? "the campaign's window has not begun; start steps in it"
                                       : "the campaign's window is over; end the campaign");
}

// The step of this index goes out, or the reason why it may not.
absl::StatusOr<Events> Started(const Campaign& campaign, int32_t index, TimeNs time) {
  const CampaignContent& content = campaign.content;
  if (content.segment.empty()) {
    return Refused(kCampaignWithoutSegment, "the campaign names no segment to write to");
  }
  if (absl::Status outside = CheckWindow(content, time); !outside.ok()) return outside;
  CampaignEvent event;
  auto* started = event.mutable_step_started();
  WriteStep(content.steps[static_cast<size_t>(index)], started->mutable_step());
  started->set_index(index);
  started->set_segment(content.segment);
  if (content.cap == FrequencyCap{}) return One(std::move(event));
  started->mutable_cap()->set_sends(content.cap.sends);
  started->mutable_cap()->set_days(content.cap.days);
  return One(std::move(event));
}

Campaign Born(const v1::CampaignCreated& event) {
  return {.state = v1::Campaign::DRAFT,
          .external_key = ReadExternalKey(event.content()),
          .content = ReadContent(event.content())};
}

}  // namespace

Campaign CampaignDecider::Evolve(Campaign campaign, const CampaignEvent& event) {
  switch (event.event_case()) {
    case CampaignEvent::kCreated:
      return Born(event.created());
    case CampaignEvent::kChanged:
      campaign.content = ReadContent(event.changed().content());
      return campaign;
    case CampaignEvent::kStepStarted:
      campaign.state = v1::Campaign::RUNNING;
      campaign.steps_started = std::max(campaign.steps_started, event.step_started().index() + 1);
      return campaign;
    case CampaignEvent::kEnded:
      campaign.state = v1::Campaign::ENDED;
      return campaign;
    case CampaignEvent::EVENT_NOT_SET:
      return campaign;
  }
  return campaign;
}

absl::StatusOr<Events> CampaignDecider::Decide(const Campaign& campaign,
                                               const CreateCampaign& command) {
  if (campaign.state != v1::Campaign::STATE_UNSPECIFIED) {
    const bool as_asked =
        campaign.content == command.content && campaign.external_key == command.external_key;
    if (as_asked) return Nothing();
    return Taken();
  }
  CampaignEvent event;
  WriteContent(command.content, event.mutable_created()->mutable_content());
  WriteExternalKey(command.external_key, event.mutable_created()->mutable_content());
  return One(std::move(event));
}

absl::StatusOr<Events> CampaignDecider::Decide(const Campaign& campaign,
                                               const UpdateCampaign& command) {
  if (campaign.state == v1::Campaign::STATE_UNSPECIFIED) return NoSuchCampaign();
  if (campaign.state == v1::Campaign::RUNNING) return IsLaunched();
  if (campaign.state == v1::Campaign::ENDED) return IsEnded();
  const CampaignContent merged = Merge(campaign.content, command.content, command.mask);
  if (merged == campaign.content) return Nothing();
  CampaignEvent event;
  WriteContent(merged, event.mutable_changed()->mutable_content());
  return One(std::move(event));
}

absl::StatusOr<Events> CampaignDecider::Decide(const Campaign& campaign,
                                               const LaunchCampaign& command) {
  if (campaign.state == v1::Campaign::STATE_UNSPECIFIED) return NoSuchCampaign();
  if (campaign.state == v1::Campaign::RUNNING) return Nothing();
  if (campaign.state == v1::Campaign::ENDED) return IsEnded();
  if (campaign.content.steps.empty()) {
    return Refused(kCampaignWithoutSteps, "the campaign has no step to start");
  }
  return Started(campaign, 0, command.time);
}

absl::StatusOr<Events> CampaignDecider::Decide(const Campaign& campaign, const StartStep& command) {
  if (campaign.state == v1::Campaign::STATE_UNSPECIFIED) return NoSuchCampaign();
  if (campaign.state == v1::Campaign::DRAFT) return IsNotLaunched();
  const auto& steps = campaign.content.steps;
  const auto step = std::find_if(steps.begin(), steps.end(),
                                 [&](const Step& other) { return other.step == command.step; });
  if (step == steps.end()) {
    return NotFound(kStepNotFound, "the campaign has no step of this name");
  }
  const auto index = static_cast<int32_t>(step - steps.begin());
  if (index < campaign.steps_started) return Nothing();
  if (campaign.state == v1::Campaign::ENDED) return IsEnded();
  if (index > campaign.steps_started) {
    return Refused(kStepOutOfOrder, "steps are started in order; start the ones before first");
  }
  return Started(campaign, index, command.time);
}

absl::StatusOr<Events> CampaignDecider::Decide(const Campaign& campaign, const EndCampaign&) {
  if (campaign.state == v1::Campaign::STATE_UNSPECIFIED) return NoSuchCampaign();
  if (campaign.state == v1::Campaign::ENDED) return Nothing();
  CampaignEvent event;
  event.mutable_ended();
  return One(std::move(event));
}

}  // namespace crm::campaign
