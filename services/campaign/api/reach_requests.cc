#include "services/campaign/api/reach_requests.h"

#include <utility>

#include "services/campaign/domain/reach.h"
#include "services/campaign/projection/reach_aggregate.h"

namespace crm::campaign {
namespace {

constexpr char kOnlyStep[] = "sent";

// A response belongs to its contact: the same key of another contact is another response.
std::string ResponseId(const Caller& caller, const v1::RecordResponseRequest& request,
                       const NameMaker& names) {
  constexpr std::string_view kCollection = "responses";
  const auto& key = request.external_key();
  const std::string name =
      request.has_external_key()
          ? names.FromExternalKey(kCollection, 'r', caller.tenant, key.source(), key.key())
          : names.FromRequest(kCollection, 'r', caller.tenant, request.request_id());
  return name.substr(kCollection.size() + 1);
}

// A send of years to come would count in every window of a cap until then.
void CheckNotAhead(const char* path, std::optional<TimeNs> time, TimeNs now, FieldFaults& faults) {
  constexpr TimeNs kDay = 86'400 * kSecond;
  if (time && *time > now + kDay) faults.Add(path, "must not lie more than a day in the future");
}

}  // namespace

PreparedCommand ReachRequests::Send(const Caller& caller, const v1::RecordSendRequest& request,
                                    const NameMaker& names) const {
  FieldFaults faults;
  std::string contact = ContactOf(caller, request, names, faults);
  std::string campaign = CampaignOf(caller, request, names, faults);
  const auto time = ReadTime("send_time", request.has_send_time(), request.send_time(), faults);
  CheckNotAhead("send_time", time, clock_->Now(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  std::string step = request.step().empty() ? kOnlyStep : request.step();
  const std::string reach = ReachName(contact);
  auto command = CommandAbout<ReachAggregate>(
      *type_, reach, "",
      RecordSend{{std::move(contact), std::move(campaign), std::move(step)},
                 request.channel(),
                 time.value_or(clock_->Now())});
  command->occurred_time = time.value_or(0);
  return command;
}

PreparedCommand ReachRequests::Response(const Caller& caller,
                                        const v1::RecordResponseRequest& request,
                                        const NameMaker& names) const {
  FieldFaults faults;
  std::string contact = ContactOf(caller, request, names, faults);
  std::string campaign = CampaignOf(caller, request, names, faults);
  if (request.has_external_key()) CheckKey("external_key", request.external_key(), faults);
  const auto time =
      ReadTime("response_time", request.has_response_time(), request.response_time(), faults);
  CheckNotAhead("response_time", time, clock_->Now(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  const std::string reach = ReachName(contact);
  RecordResponse response{.contact = std::move(contact),
                          .campaign = std::move(campaign),
                          .kind = request.kind(),
                          .response = ResponseId(caller, request, names),
                          .time = time.value_or(clock_->Now())};
  if (request.has_external_key()) {
    response.external_key = {request.external_key().source(), request.external_key().key()};
  }
  auto command = CommandAbout<ReachAggregate>(*type_, reach, "", std::move(response));
  command->occurred_time = time.value_or(0);
  return command;
}

PreparedCommand ReachRequests::Delivery(const Caller&, const v1::ReportDeliveryRequest& request,
                                        const NameMaker&) const {
  FieldFaults faults;
  CheckName("contact", "contacts", request.contact(), faults);
  CheckName("campaign", "campaigns", request.campaign(), faults);
  if (request.state() != v1::Send::DELIVERED && request.state() != v1::Send::BOUNCED) {
    faults.Add("state", "must be DELIVERED or BOUNCED");
  }
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return CommandAbout<ReachAggregate>(
      *type_, ReachName(request.contact()), "",
      ReportDelivery{{request.contact(), request.campaign(), request.step()}, request.state()});
}

}  // namespace crm::campaign
