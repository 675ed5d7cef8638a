#include "services/campaign/projection/reach_aggregate.h"

#include <algorithm>
#include <tuple>

#include "common/base/timestamp.h"
#include "common/projection/event_schema.h"

namespace crm::campaign {
namespace {

SendEntry ReadSend(const v1::CampaignReach::SendEntry& message) {
  return {.step = message.step(),
          .channel = message.channel(),
          .state = message.state(),
          .reason = message.reason(),
          .decide_time = message.decide_time_ns(),
          .consent_version = message.consent_version(),
          .consent_read_to = message.consent_read_to(),
          .sends_in_window = message.sends_in_window()};
}

void WriteSend(const SendEntry& send, v1::CampaignReach::SendEntry* message) {
  message->set_step(send.step);
  message->set_channel(send.channel);
  message->set_state(send.state);
  message->set_reason(send.reason);
  message->set_decide_time_ns(send.decide_time);
  message->set_consent_version(send.consent_version);
  message->set_consent_read_to(send.consent_read_to);
  message->set_sends_in_window(send.sends_in_window);
}

CampaignReach ReadCampaign(const v1::CampaignReach& message) {
  CampaignReach campaign{.campaign = message.campaign()};
  campaign.sends.reserve(static_cast<size_t>(message.sends_size()));
  for (const auto& send : message.sends()) campaign.sends.push_back(ReadSend(send));
  for (const auto& response : message.responses()) {
    campaign.responses.push_back(
        {response.kind(), response.response(), response.response_time_ns(), response.step()});
  }
  return campaign;
}

void WriteCampaign(const CampaignReach& campaign, v1::CampaignReach* message) {
  message->set_campaign(campaign.campaign);
  for (const SendEntry& send : campaign.sends) WriteSend(send, message->add_sends());
  for (const ResponseEntry& response : campaign.responses) {
    auto* entry = message->add_responses();
    entry->set_kind(response.kind);
    entry->set_response(response.response);
    entry->set_response_time_ns(response.response_time);
    entry->set_step(response.step);
  }
}

v1::Send ShownSend(const std::string& contact, const std::string& campaign, Partition partition,
                   const v1::CampaignReach::SendEntry& entry) {
  v1::Send send;
  send.set_send(SendId(contact, campaign, entry.step()));
  send.set_contact(contact);
  send.set_campaign(campaign);
  send.set_step(entry.step());
  send.set_channel(entry.channel());
  send.set_state(entry.state());
  send.set_reason(entry.reason());
  SetTimestamp(entry.decide_time_ns(), send.mutable_decide_time());
  send.set_sends_in_window(entry.sends_in_window());
  if (entry.state() == v1::Send::RECORDED || entry.consent_read_to() == 0) return send;
  send.mutable_basis()->set_ledger(contact + "/consents");
  send.mutable_basis()->set_version(entry.consent_version());
  send.mutable_basis()->set_partition(partition);
  send.mutable_basis()->set_read_to(entry.consent_read_to());
  return send;
}

auto SendOrder(const v1::Send& send) {
  return std::tuple(ToTimeNs(send.decide_time()), std::string_view(send.campaign()),
                    std::string_view(send.step()));
}

auto ResponseOrder(const v1::Response& response) {
  return std::tuple(ToTimeNs(response.response_time()), std::string_view(response.response()));
}

}  // namespace

Reach ReachAggregate::Load(const v1::Reach& resource) {
  Reach reach;
  for (const auto& membership : resource.memberships()) {
    reach.memberships.push_back({membership.segment(), ToTimeNs(membership.enter_time())});
  }
  reach.campaigns.reserve(static_cast<size_t>(resource.campaigns_size()));
  for (const auto& campaign : resource.campaigns()) {
    reach.campaigns.push_back(ReadCampaign(campaign));
  }
  reach.erased = resource.has_erase_time();
  return reach;
}

v1::Reach ReachAggregate::Store(const Reach& reach, const AggregateInfo& info) {
  v1::Reach resource;
  resource.set_name(info.name);
  for (const MembershipEntry& membership : reach.memberships) {
    auto* entry = resource.add_memberships();
    entry->set_segment(membership.segment);
    SetTimestamp(membership.enter_time, entry->mutable_enter_time());
  }
  for (const CampaignReach& campaign : reach.campaigns) {
    WriteCampaign(campaign, resource.add_campaigns());
  }
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (reach.erased) SetTimestamp(info.update_time, resource.mutable_erase_time());
  return resource;
}

std::string ReachName(std::string_view contact) {
  return std::string(contact) + "/reach";
}

std::vector<v1::Send> SendsOf(const v1::Reach& reach, Partition partition) {
  const std::string contact(SubjectOf(reach.name()));
  std::vector<v1::Send> sends;
  for (const auto& campaign : reach.campaigns()) {
    for (const auto& entry : campaign.sends()) {
      sends.push_back(ShownSend(contact, campaign.campaign(), partition, entry));
    }
  }
  std::sort(sends.begin(), sends.end(),
            [](const auto& a, const auto& b) { return SendOrder(a) < SendOrder(b); });
  return sends;
}

std::vector<v1::Response> ResponsesOf(const v1::Reach& reach) {
  const std::string contact(SubjectOf(reach.name()));
  std::vector<v1::Response> responses;
  for (const auto& campaign : reach.campaigns()) {
    for (const auto& entry : campaign.responses()) {
      v1::Response& response = responses.emplace_back();
      response.set_contact(contact);
      response.set_campaign(campaign.campaign());
      response.set_kind(entry.kind());
      response.set_response(entry.response());
      SetTimestamp(entry.response_time_ns(), response.mutable_response_time());
      response.set_step(entry.step());
      response.set_send(SendId(contact, campaign.campaign(), entry.step()));
    }
  }
  std::sort(responses.begin(), responses.end(),
            [](const auto& a, const auto& b) { return ResponseOrder(a) < ResponseOrder(b); });
  return responses;
}

}  // namespace crm::campaign
