#include "services/campaign/domain/reach.h"

#include <algorithm>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::campaign {

static_assert(DeciderOf<ReachDecider, EvaluateMemberships, DecideSend, MarkHandedOff, CancelSend,
                        ReportDelivery, RecordSend, RecordResponse>);

namespace {

using Events = ReachDecider::Events;
using contact::v1::Consent;
using v1::ReachEvent;
using v1::Send;

constexpr TimeNs kDay = 24 * 3600 * kSecond;

absl::Status NoSuchSend() {
  return NotFound(kSendNotFound, "nothing was decided on this step for this contact");
}
absl::Status IsErased() {
  return Refused(kContactErased, "the contact was erased; nothing is recorded for it any more");
}

Events Nothing() {
  return {};
}

Events One(ReachEvent event) {
  Events events;
  events.push_back(std::move(event));
  return events;
}

// The channel has it.
bool IsHandedOff(Send::State state) {
  return state == Send::HANDED_OFF || state == Send::DELIVERED || state == Send::BOUNCED ||
         state == Send::RECORDED;
}

// It reached the contact, or may still.
bool Stands(const SendEntry& send) {
  return send.state == Send::DECIDED || IsHandedOff(send.state);
}

const CampaignReach* FindCampaign(const Reach& reach, std::string_view campaign) {
  const auto found =
      std::find_if(reach.campaigns.begin(), reach.campaigns.end(),
                   [&](const CampaignReach& other) { return other.campaign == campaign; });
  return found == reach.campaigns.end() ? nullptr : &*found;
}

CampaignReach& CampaignOf(Reach& reach, const std::string& campaign) {
  for (CampaignReach& known : reach.campaigns) {
    if (known.campaign == campaign) return known;
  }
  return reach.campaigns.emplace_back(CampaignReach{.campaign = campaign});
}

SendEntry& SendOf(Reach& reach, const std::string& campaign, const std::string& step) {
  CampaignReach& within = CampaignOf(reach, campaign);
  for (SendEntry& known : within.sends) {
    if (known.step == step) return known;
  }
  return within.sends.emplace_back(SendEntry{.step = step});
}

// None of the campaign's messages has reached a channel yet.
bool IsFirst(const Reach& reach, std::string_view campaign) {
  const CampaignReach* known = FindCampaign(reach, campaign);
  return known == nullptr ||
         std::none_of(known->sends.begin(), known->sends.end(),
                      [](const SendEntry& send) { return IsHandedOff(send.state); });
}

void WriteBasis(const std::string& contact, const ConsentReading& consent,
                contact::v1::ConsentBasis* basis) {
  basis->set_ledger(contact + "/consents");
  basis->set_version(consent.version);
  basis->set_partition(consent.partition);
  basis->set_read_to(consent.read_to);
}

// `message` names a send: every event about one.
template <typename Message>
Message* Named(const SendKey& send, Message* message) {
  message->set_send(SendId(send.contact, send.campaign, send.step));
  message->set_campaign(send.campaign);
  message->set_step(send.step);
  return message;
}

// What a decision is about and rests on, whichever way it went.
template <typename Message>
Message* Decided(const DecideSend& command, int32_t sends_in_window, Message* message) {
  Named(command.send, message);
  message->set_channel(command.channel);
  message->set_purpose(command.purpose);
  message->set_segment(command.segment);
  WriteBasis(command.send.contact, command.consent, message->mutable_basis());
  message->set_sends_in_window(sends_in_window);
  SetTimestamp(command.time, message->mutable_decide_time());
  if (command.cap == FrequencyCap{}) return message;
  message->mutable_cap()->set_sends(command.cap.sends);
  message->mutable_cap()->set_days(command.cap.days);
  return message;
}

// Why the contact is not written to; empty where it is.
std::string_view Fault(const Reach& reach, const DecideSend& command, int32_t sends_in_window) {
  if (command.contact_deleted) return kContactDeleted;
  if (!IsMember(reach, command.segment)) return kNotInSegment;
  const std::string_view consent = ConsentFault(command.consent, command.time);
  if (!consent.empty()) return consent;
  const bool capped = command.cap.sends > 0 && sends_in_window >= command.cap.sends;
  return capped ? kFrequencyCap : "";
}

ReachEvent HandedOff(const Reach& reach, const SendKey& send, const std::string& channel) {
  ReachEvent event;
  auto* message = Named(send, event.mutable_send_handed_off());
  message->set_channel(channel);
  message->set_first(IsFirst(reach, send.campaign));
  return event;
}

template <typename Message>
Reach WithDecision(Reach reach, const Message& event, Send::State state, std::string reason) {
  SendOf(reach, event.campaign(), event.step()) = {.step = event.step(),
                                                   .channel = event.channel(),
                                                   .state = state,
                                                   .reason = std::move(reason),
                                                   .decide_time = ToTimeNs(event.decide_time()),
                                                   .consent_version = event.basis().version(),
                                                   .consent_read_to = event.basis().read_to(),
                                                   .sends_in_window = event.sends_in_window()};
  return reach;
}

template <typename Message>
Reach WithState(Reach reach, const Message& event, Send::State state) {
  SendOf(reach, event.campaign(), event.step()).state = state;
  return reach;
}

Reach Evolved(Reach reach, const v1::SegmentEntered& event) {
  if (reach.erased || IsMember(reach, event.segment())) return reach;
  auto& all = reach.memberships;
  const auto place = std::find_if(all.begin(), all.end(), [&](const MembershipEntry& other) {
    return other.segment > event.segment();
  });
  all.insert(place, {event.segment(), ToTimeNs(event.enter_time())});
  return reach;
}

Reach Evolved(Reach reach, const v1::SegmentLeft& event) {
  std::erase_if(reach.memberships,
                [&](const MembershipEntry& other) { return other.segment == event.segment(); });
  return reach;
}

Reach Evolved(Reach reach, const v1::SendCancelled& event) {
  SendEntry& send = SendOf(reach, event.campaign(), event.step());
  send.state = Send::CANCELLED;
  send.reason = event.reason();
  return reach;
}

Reach Evolved(Reach reach, const v1::SendRecorded& event) {
  SendOf(reach, event.campaign(), event.step()) = {.step = event.step(),
                                                   .channel = event.channel(),
                                                   .state = Send::RECORDED,
                                                   .decide_time = ToTimeNs(event.send_time())};
  return reach;
}

Reach Evolved(Reach reach, const v1::ResponseRecorded& event) {
  CampaignOf(reach, event.campaign())
      .responses.push_back(
          {event.kind(), event.response(), ToTimeNs(event.response_time()), event.step()});
  return reach;
}

Reach Erased(Reach reach) {
  reach.memberships.clear();
  reach.erased = true;
  return reach;
}

// Of the campaign's sends that stand the latest not after `time`, or the first of all: sends and
// responses of other systems come with times of other clocks, in any order.
const SendEntry* AnsweredSend(const CampaignReach* campaign, TimeNs time) {
  if (campaign == nullptr) return nullptr;
  const SendEntry* latest = nullptr;
  const SendEntry* first = nullptr;
  for (const SendEntry& send : campaign->sends) {
    if (!Stands(send)) continue;
    if (first == nullptr || send.decide_time < first->decide_time) first = &send;
    if (send.decide_time > time) continue;
    if (latest == nullptr || send.decide_time >= latest->decide_time) latest = &send;
  }
  return latest != nullptr ? latest : first;
}

// The campaign that the response of this id was to; empty where it is not known.
std::string_view CampaignOfResponse(const Reach& reach, std::string_view response) {
  for (const CampaignReach& campaign : reach.campaigns) {
    for (const ResponseEntry& known : campaign.responses) {
      if (known.response == response) return campaign.campaign;
    }
  }
  return "";
}

}  // namespace

std::string_view ConsentFault(const ConsentReading& consent, TimeNs time) {
  if (consent.state == Consent::WITHDRAWN) return kConsentWithdrawn;
  if (consent.state != Consent::GRANTED) return kConsentMissing;
  if (consent.expire_time && time >= *consent.expire_time) return kConsentExpired;
  return "";
}

bool IsMember(const Reach& reach, std::string_view segment) {
  return std::any_of(reach.memberships.begin(), reach.memberships.end(),
                     [&](const MembershipEntry& entry) { return entry.segment == segment; });
}

const SendEntry* FindSend(const Reach& reach, std::string_view campaign, std::string_view step) {
  const CampaignReach* within = FindCampaign(reach, campaign);
  if (within == nullptr) return nullptr;
  const auto found = std::find_if(within->sends.begin(), within->sends.end(),
                                  [&](const SendEntry& send) { return send.step == step; });
  return found == within->sends.end() ? nullptr : &*found;
}

// Sends decided later than `time`, by an owner whose clock is ahead, count too: so the cap holds
// whatever clocks do.
int32_t SendsInWindow(const Reach& reach, TimeNs time, TimeNs window) {
  int32_t sends = 0;
  for (const CampaignReach& campaign : reach.campaigns) {
    for (const SendEntry& send : campaign.sends) {
      if (Stands(send) && send.decide_time > time - window) ++sends;
    }
  }
  return sends;
}

std::string SendId(std::string_view contact, std::string_view campaign, std::string_view step) {
  PieceHasher hasher;
  hasher.Add(contact);
  hasher.Add(campaign);
  hasher.Add(step);
  return "s" + Base32(hasher.Digest());
}

Reach ReachDecider::Evolve(Reach reach, const ReachEvent& event) {
  switch (event.event_case()) {
    case ReachEvent::kSegmentEntered:
      return Evolved(std::move(reach), event.segment_entered());
    case ReachEvent::kSegmentLeft:
      return Evolved(std::move(reach), event.segment_left());
    case ReachEvent::kSendDecided:
      return WithDecision(std::move(reach), event.send_decided(), Send::DECIDED, "");
    case ReachEvent::kSendRefused:
      return WithDecision(std::move(reach), event.send_refused(), Send::REFUSED,
                          event.send_refused().reason());
    case ReachEvent::kSendHandedOff:
      return WithState(std::move(reach), event.send_handed_off(), Send::HANDED_OFF);
    case ReachEvent::kSendCancelled:
      return Evolved(std::move(reach), event.send_cancelled());
    case ReachEvent::kSendRecorded:
      return Evolved(std::move(reach), event.send_recorded());
    case ReachEvent::kDeliveryReported:
      return WithState(std::move(reach), event.delivery_reported(),
                       event.delivery_reported().state());
    case ReachEvent::kResponseRecorded:
      return Evolved(std::move(reach), event.response_recorded());
    case ReachEvent::kErased:
      return Erased(std::move(reach));
    case ReachEvent::EVENT_NOT_SET:
      return reach;
  }
  return reach;
}

absl::StatusOr<Events> ReachDecider::Decide(const Reach& reach,
                                            const EvaluateMemberships& command) {
  if (reach.erased) return Nothing();
  Events events;
  const auto& positions = command.facts;
  for (const std::string& segment : command.entered) {
    if (IsMember(reach, segment)) continue;
    ReachEvent event;
    auto* entered = event.mutable_segment_entered();
    entered->set_segment(segment);
    entered->mutable_facts()->Assign(positions.begin(), positions.end());
    SetTimestamp(command.time, entered->mutable_enter_time());
    events.push_back(std::move(event));
  }
  for (const std::string& segment : command.left) {
    if (!IsMember(reach, segment)) continue;
    ReachEvent event;
    event.mutable_segment_left()->set_segment(segment);
    event.mutable_segment_left()->mutable_facts()->Assign(positions.begin(), positions.end());
    events.push_back(std::move(event));
  }
  return events;
}

absl::StatusOr<Events> ReachDecider::Decide(const Reach& reach, const DecideSend& command) {
  if (reach.erased) return IsErased();
  if (FindSend(reach, command.send.campaign, command.send.step) != nullptr) return Nothing();
  const int32_t in_window = SendsInWindow(reach, command.time, command.cap.days * kDay);
  const std::string_view fault = Fault(reach, command, in_window);
  ReachEvent event;
  if (fault.empty()) {
    Decided(command, in_window, event.mutable_send_decided());
  } else {
    Decided(command, in_window, event.mutable_send_refused())->set_reason(std::string(fault));
  }
  return One(std::move(event));
}

absl::StatusOr<Events> ReachDecider::Decide(const Reach& reach, const MarkHandedOff& command) {
  const SendEntry* send = FindSend(reach, command.send.campaign, command.send.step);
  if (send == nullptr) return NoSuchSend();
  if (IsHandedOff(send->state)) return Nothing();
  if (send->state != Send::DECIDED) {
    return Refused(kSendNotHandedOff, "the send was refused or cancelled and goes nowhere");
  }
  return One(HandedOff(reach, command.send, send->channel));
}

absl::StatusOr<Events> ReachDecider::Decide(const Reach& reach, const CancelSend& command) {
  const SendEntry* send = FindSend(reach, command.send.campaign, command.send.step);
  if (send == nullptr) return NoSuchSend();
  if (IsHandedOff(send->state)) {
    return Refused(kSendHandedOff, "the channel has the send already; it cannot be called off");
  }
  if (send->state != Send::DECIDED) return Nothing();
  ReachEvent event;
  auto* cancelled = Named(command.send, event.mutable_send_cancelled());
  cancelled->set_reason(command.reason);
  cancelled->set_channel(send->channel);
  WriteBasis(command.send.contact, command.consent, cancelled->mutable_basis());
  return One(std::move(event));
}

absl::StatusOr<Events> ReachDecider::Decide(const Reach& reach, const ReportDelivery& command) {
  const SendEntry* send = FindSend(reach, command.send.campaign, command.send.step);
  if (send == nullptr) return NoSuchSend();
  if (send->state == command.state) return Nothing();
  if (send->state == Send::BOUNCED) {
    return Refused(kSendBounced, "the channel reported a bounce, which is final");
  }
  if (!Stands(*send)) {
    return Refused(kSendNotHandedOff, "the send was refused or cancelled; nothing was delivered");
  }
  Events events;
  // The report may overtake the hand-off's own record, which then finds nothing left to say.
  if (send->state == Send::DECIDED) {
    events.push_back(HandedOff(reach, command.send, send->channel));
  }
  ReachEvent event;
  Named(command.send, event.mutable_delivery_reported())->set_state(command.state);
  events.push_back(std::move(event));
  return events;
}

absl::StatusOr<Events> ReachDecider::Decide(const Reach& reach, const RecordSend& command) {
  if (reach.erased) return IsErased();
  const SendEntry* send = FindSend(reach, command.send.campaign, command.send.step);
  if (send != nullptr && IsHandedOff(send->state)) return Nothing();
  if (send != nullptr) {
    return Refused(kSendDecided, "this step was decided on here; it is no fact of another system");
  }
  ReachEvent event;
  auto* recorded = Named(command.send, event.mutable_send_recorded());
  recorded->set_channel(command.channel);
  recorded->set_first(IsFirst(reach, command.send.campaign));
  SetTimestamp(command.time, recorded->mutable_send_time());
  return One(std::move(event));
}

absl::StatusOr<Events> ReachDecider::Decide(const Reach& reach, const RecordResponse& command) {
  if (reach.erased) return IsErased();
  const std::string_view known = CampaignOfResponse(reach, command.response);
  if (known == command.campaign) return Nothing();
  if (!known.empty()) {
    return AlreadyExists(kResponseExists, "the response is on record as one to another campaign");
  }
  const CampaignReach* campaign = FindCampaign(reach, command.campaign);
  const SendEntry* send = AnsweredSend(campaign, command.time);
  if (send == nullptr) {
    return Error(absl::StatusCode::kFailedPrecondition, kResponseWithoutSend,
                 "the contact was sent nothing of this campaign; import its send first",
                 {{"field", "campaign"}});
  }
  ReachEvent event;
  auto* recorded = event.mutable_response_recorded();
  recorded->mutable_plain();
  if (command.external_key) {
    auto* key = recorded->mutable_plain()->mutable_external_key();
    key->set_source(command.external_key->source);
    key->set_key(command.external_key->key);
  }
  recorded->set_campaign(command.campaign);
  recorded->set_kind(command.kind);
  recorded->set_response(command.response);
  recorded->set_send(SendId(command.contact, command.campaign, send->step));
  recorded->set_step(send->step);
  recorded->set_first(campaign->responses.empty());
  SetTimestamp(command.time, recorded->mutable_response_time());
  return One(std::move(event));
}

}  // namespace crm::campaign
