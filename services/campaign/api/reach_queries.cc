#include "services/campaign/api/reach_queries.h"

#include <string>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/service/resource_reads.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "services/campaign/api/requests.h"
#include "services/campaign/projection/reach_aggregate.h"

namespace crm::campaign {
namespace {

using google::protobuf::Message;

template <typename Request>
absl::StatusOr<std::string> SubjectIn(const Caller& caller, const Request& request,
                                      const NameMaker& names) {
  FieldFaults faults;
  std::string contact = ContactOf(caller, request, names, faults);
  if (!request.campaign().empty()) CheckName("campaign", "campaigns", request.campaign(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return contact;
}

// The contact's ledger, empty where it has none.
absl::StatusOr<v1::Reach> ReadReach(const QueryContext& context, const AggregateType& type,
                                    const std::string& contact, Partition partition) {
  const ResourceRef ref{partition, context.caller.tenant, ReachName(contact)};
  const RowReader& core = *context.reading.core.rows;
  const auto bytes = context.as_of ? ReadResourceAt(core, context.events, type, ref, *context.as_of)
                                   : ReadResource(core, ref, true);
  v1::Reach reach;
  if (absl::IsNotFound(bytes.status())) return reach;
  CRM_RETURN_IF_ERROR(bytes.status());
  if (reach.ParseFromString(*bytes)) return reach;
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
}

bool IsOf(const std::string& campaign, const std::string& asked) {
  return asked.empty() || campaign == asked;
}

std::string Render(const v1::ListSendsRequest& request, const v1::Reach& reach,
                   Partition partition) {
  v1::ListSendsResponse response;
  for (v1::Send& send : SendsOf(reach, partition)) {
    if (IsOf(send.campaign(), request.campaign())) *response.add_sends() = std::move(send);
  }
  *response.mutable_memberships() = reach.memberships();
  return response.SerializeAsString();
}

std::string Render(const v1::ListResponsesRequest& request, const v1::Reach& reach, Partition) {
  v1::ListResponsesResponse response;
  for (v1::Response& one : ResponsesOf(reach)) {
    if (IsOf(one.campaign(), request.campaign())) *response.add_responses() = std::move(one);
  }
  return response.SerializeAsString();
}

template <typename Request>
QueryMethod Method(const char* name, const AggregateType& type) {
  return {.method = name,
          .run = [&type](const QueryContext& context,
                         const Message& message) -> absl::StatusOr<std::string> {
            const auto& request = static_cast<const Request&>(message);
            CRM_ASSIGN_OR_RETURN(const std::string contact,
                                 SubjectIn(context.caller, request, context.names));
            const Partition partition = PartitionOfSubject(context.caller.tenant, contact);
            CRM_ASSIGN_OR_RETURN(const v1::Reach reach,
                                 ReadReach(context, type, contact, partition));
            return Render(request, reach, partition);
          },
          .subject =
              [](const Caller& caller, const Message& message, const NameMaker& names) {
                return SubjectIn(caller, static_cast<const Request&>(message), names);
              }};
}

}  // namespace

std::vector<QueryMethod> ReachQueries(const AggregateType& reach) {
  return {Method<v1::ListSendsRequest>("ListSends", reach),
          Method<v1::ListResponsesRequest>("ListResponses", reach)};
}

}  // namespace crm::campaign
