#include "services/analytics/projection/customer_campaigns.h"

#include <algorithm>
#include <tuple>

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/timestamp.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/analytics/projection/customer_fold.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

using campaign::v1::CampaignRecord;
using campaign::v1::Membership;
using campaign::v1::ReachEvent;
using campaign::v1::Response;
using campaign::v1::Send;
using common::v1::EventMetadata;

constexpr char kMembership = 'b';
constexpr char kResponse = 'r';
constexpr char kSend = 'w';

// The time that an event names; `otherwise` where it names none.
TimeNs TimeOr(const google::protobuf::Timestamp& time, TimeNs otherwise) {
  const bool is_named = time.seconds() != 0 || time.nanos() != 0;
  return is_named ? ToTimeNs(time) : otherwise;
}

// A send as its first event makes it.
template <typename Message>
Send NewSend(const Message& event, Send::State state, TimeNs time) {
  Send send;
  send.set_send(event.send());
  send.set_campaign(event.campaign());
  send.set_step(event.step());
  send.set_channel(event.channel());
  send.set_state(state);
  SetTimestamp(time, send.mutable_decide_time());
  return send;
}

// A decision, with what it relied on.
template <typename Message>
Send Decision(const Message& event, Send::State state, TimeNs time) {
  Send send = NewSend(event, state, TimeOr(event.decide_time(), time));
  if (event.has_basis()) *send.mutable_basis() = event.basis();
  send.set_sends_in_window(event.sends_in_window());
  return send;
}

class CampaignsFold final : public CustomerFold {
 public:
  using CustomerFold::CustomerFold;

 protected:
  absl::Status ApplyOne(const Event& event, std::string_view tenant, std::string_view id) override {
    if (event.aggregate_field != CampaignRecord::kReachFieldNumber) return absl::OkStatus();
    const auto& reach = static_cast<const ReachEvent&>(*event.aggregate_event);
    const Customer customer{tenant, id};
    const TimeNs time = RecordedTime(*event.metadata);
    switch (reach.event_case()) {
      case ReachEvent::kSegmentEntered:
        return Enter(customer, reach.segment_entered().segment(),
                     TimeOr(reach.segment_entered().enter_time(), time));
      case ReachEvent::kSegmentLeft:
        rows().Delete(Key(customer, kMembership, reach.segment_left().segment()));
        return absl::OkStatus();
      case ReachEvent::kSendDecided:
        return Put(customer, Decision(reach.send_decided(), Send::DECIDED, time));
      case ReachEvent::kSendRefused: {
        Send send = Decision(reach.send_refused(), Send::REFUSED, time);
        send.set_reason(reach.send_refused().reason());
        return Put(customer, send);
      }
      case ReachEvent::kSendRecorded:
        return Put(customer, NewSend(reach.send_recorded(), Send::RECORDED,
                                     TimeOr(reach.send_recorded().send_time(),
                                            OccurredTime(*event.metadata))));
      case ReachEvent::kSendHandedOff:
        return SetState(customer, reach.send_handed_off().send(), Send::HANDED_OFF);
      case ReachEvent::kDeliveryReported:
        return SetState(customer, reach.delivery_reported().send(),
                        reach.delivery_reported().state());
      case ReachEvent::kSendCancelled:
        return Cancel(customer, reach.send_cancelled());
      case ReachEvent::kResponseRecorded:
        return Put(customer, reach.response_recorded(), OccurredTime(*event.metadata));
      case ReachEvent::kErased:
        rows().DeletePrefix(ContactPrefix(partition(), kMembership, tenant, id));
        return absl::OkStatus();
      case ReachEvent::EVENT_NOT_SET:
        return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status Forget(std::string_view tenant, std::string_view id) override {
    for (const char family : {kMembership, kResponse, kSend}) {
      rows().DeletePrefix(ContactPrefix(partition(), family, tenant, id));
    }
    return absl::OkStatus();
  }

 private:
  struct Customer {
    std::string_view tenant;
    std::string_view id;
  };

  std::string Key(const Customer& customer, char family, std::string_view name) {
    return ContactPrefix(partition(), family, customer.tenant, customer.id).append(name);
  }

  absl::Status Enter(const Customer& customer, const std::string& segment, TimeNs time) {
    Membership membership;
    membership.set_segment(segment);
    SetTimestamp(time, membership.mutable_enter_time());
    rows().Put(Key(customer, kMembership, segment), membership.SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status Put(const Customer& customer, const Send& send) {
    rows().Put(Key(customer, kSend, send.send()), send.SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status Put(const Customer& customer, const campaign::v1::ResponseRecorded& event,
                   TimeNs time) {
    Response response;
    response.set_campaign(event.campaign());
    response.set_kind(event.kind());
    response.set_response(event.response());
    response.set_send(event.send());
    response.set_step(event.step());
    SetTimestamp(TimeOr(event.response_time(), time), response.mutable_response_time());
    rows().Put(Key(customer, kResponse, event.response()), response.SerializeAsString());
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<Send>> FindSend(const Customer& customer, const std::string& send) {
    return ParseRow<Send>(CustomerCampaigns::kName, rows().Get(Key(customer, kSend, send)));
  }

  absl::Status SetState(const Customer& customer, const std::string& id, Send::State state) {
    CRM_ASSIGN_OR_RETURN(auto send, FindSend(customer, id));
    if (!send) return absl::OkStatus();
    send->set_state(state);
    return Put(customer, *send);
  }

  absl::Status Cancel(const Customer& customer, const campaign::v1::SendCancelled& event) {
    CRM_ASSIGN_OR_RETURN(auto send, FindSend(customer, event.send()));
    if (!send) return absl::OkStatus();
    send->set_state(Send::CANCELLED);
    send->set_reason(event.reason());
    if (event.has_basis()) *send->mutable_basis() = event.basis();
    return Put(customer, *send);
  }
};

// All rows of one family of a contact.
template <typename M>
absl::StatusOr<std::vector<M>> All(const RowReader& rows, char family, std::string_view tenant,
                                   std::string_view id) {
  const Partition partition = PartitionOfSubject(tenant, ContactName(id));
  const std::string prefix = ContactPrefix(partition, family, tenant, id);
  std::vector<M> all;
  const auto scan = rows.Scan(prefix, PrefixEnd(prefix));
  for (; scan->Valid(); scan->Next()) {
    const std::string_view value = scan->value();
    if (!all.emplace_back().ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      return UnreadableRow(CustomerCampaigns::kName);
    }
  }
  CRM_RETURN_IF_ERROR(scan->status());
  return all;
}

// The rows come by id, which a stable sort keeps among equals.
template <typename M, typename TimeOf>
void SortLatestFirst(std::vector<M>* all, TimeOf time_of) {
  std::stable_sort(all->begin(), all->end(),
                   [&](const M& a, const M& b) { return time_of(a) > time_of(b); });
}

void ClearTimes(Membership* membership) {
  membership->clear_enter_time();
}
void ClearTimes(Send* send) {
  send->clear_decide_time();
  send->clear_basis();
}

// For business dumps: a row without the moment at which it was decided.
template <typename M>
std::string WithoutTimes(std::string_view value) {
  M message;
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return std::string(value);
  }
  ClearTimes(&message);
  return message.SerializeAsString();
}

}  // namespace

std::unique_ptr<Fold> CustomerCampaigns::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<CampaignsFold>(partition, rows);
}

std::string CustomerCampaigns::BusinessLine(std::string_view key, std::string_view value) const {
  switch (key.size() < 2 ? '\0' : key[1]) {
    case kMembership:
      return BusinessText(key, WithoutTimes<Membership>(value), Membership::default_instance());
    case kResponse:
      return BusinessText(key, value, Response::default_instance());
    case kSend:
      return BusinessText(key, WithoutTimes<Send>(value), Send::default_instance());
    default:
      return "";
  }
}

absl::StatusOr<std::vector<Membership>> CustomerCampaigns::Memberships(const RowReader& rows,
                                                                       std::string_view tenant,
                                                                       std::string_view id) {
  return All<Membership>(rows, kMembership, tenant, id);
}

absl::StatusOr<std::vector<Send>> CustomerCampaigns::Sends(const RowReader& rows,
                                                           std::string_view tenant,
                                                           std::string_view id) {
  CRM_ASSIGN_OR_RETURN(auto sends, All<Send>(rows, kSend, tenant, id));
  SortLatestFirst(&sends, [](const Send& send) { return ToTimeNs(send.decide_time()); });
  return sends;
}

absl::StatusOr<std::vector<Response>> CustomerCampaigns::Responses(const RowReader& rows,
                                                                   std::string_view tenant,
                                                                   std::string_view id) {
  CRM_ASSIGN_OR_RETURN(auto responses, All<Response>(rows, kResponse, tenant, id));
  SortLatestFirst(&responses, [](const Response& r) { return ToTimeNs(r.response_time()); });
  return responses;
}

}  // namespace crm::analytics
