#pragma once

#include <string>

#include "crm/campaign/v1/campaign_service.pb.h"
#include "services/campaign/api/requests.h"

namespace crm::campaign {

// From requests about one contact's reach to commands. Copied into the service's methods; borrows
// the type and the clock.
class ReachRequests {
 public:
  ReachRequests(const AggregateType& type, const Clock& clock) : type_(&type), clock_(&clock) {}

  PreparedCommand Send(const Caller& caller, const v1::RecordSendRequest& request,
                       const NameMaker& names) const;
  PreparedCommand Response(const Caller& caller, const v1::RecordResponseRequest& request,
                           const NameMaker& names) const;
  PreparedCommand Delivery(const Caller& caller, const v1::ReportDeliveryRequest& request,
                           const NameMaker& names) const;

 private:
  const AggregateType* type_;
  const Clock* clock_;
};

// A RenderOutcome of any of them.
template <typename Response>
std::string RenderRecorded(Outcome&& outcome) {
  Response response;
  response.set_contact(std::string(SubjectOf(outcome.aggregate)));
  response.set_recorded(outcome.events > 0);
  return response.SerializeAsString();
}

}  // namespace crm::campaign
