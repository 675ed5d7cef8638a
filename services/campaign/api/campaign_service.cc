#include "services/campaign/api/campaign_service.h"

#include <utility>
#include <vector>

#include "common/projection/tenants_seen.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "services/campaign/api/campaign_requests.h"
#include "services/campaign/api/list_queries.h"
#include "services/campaign/api/reach_queries.h"
#include "services/campaign/api/reach_requests.h"
#include "services/campaign/api/segment_requests.h"
#include "services/campaign/api/statistics_queries.h"
#include "services/campaign/projection/campaign_aggregate.h"
#include "services/campaign/projection/campaign_outcomes.h"
#include "services/campaign/projection/campaigns_by_time.h"
#include "services/campaign/projection/reach_aggregate.h"
#include "services/campaign/reaction/hand_off.h"
#include "services/campaign/reaction/outbox.h"
#include "services/campaign/reaction/send_of_step.h"

namespace crm::campaign {
namespace {

using google::protobuf::Message;

template <typename Request>
QueryMethod Query(const char* method,
                  absl::StatusOr<std::string> (*run)(const QueryContext&, const Request&),
                  std::vector<std::string> views) {
  return {.method = method,
          .run =
              [run](const QueryContext& context, const Message& request) {
                return run(context, static_cast<const Request&>(request));
              },
          .views = std::move(views)};
}

void AddViews(ServiceDefinition& service) {
  service.views.push_back({std::make_unique<CampaignsByTime>(), "", nullptr});
  service.views.push_back({std::make_unique<CampaignOutcomes>(), "", nullptr});
  service.views.push_back({std::make_unique<TenantsSeen>(), "crm.contact.events",
                           &contact::v1::ContactRecord::default_instance()});
}

void AddReactions(const AggregateType& reach, std::shared_ptr<Outbox> outbox,
                  ServiceDefinition& service) {
  service.reactions.push_back(std::make_unique<SendOfStep>(reach));
  service.reactions.push_back(std::make_unique<HandOff>(reach, std::move(outbox)));
}

void AddCommands(const CampaignRequests& campaigns, const ReachRequests& reach,
                 ServiceDefinition& service) {
  service.commands = {
      {"CreateCampaign", Prepare(campaigns, &CampaignRequests::Create)},
      {"UpdateCampaign", Prepare(campaigns, &CampaignRequests::Update)},
      {"LaunchCampaign", Prepare(campaigns, &CampaignRequests::Launch)},
      {"StartStep", Prepare(campaigns, &CampaignRequests::Start)},
      {"EndCampaign", Prepare(campaigns, &CampaignRequests::End)},
      {"RecordSend", Prepare(reach, &ReachRequests::Send), RenderRecorded<v1::RecordSendResponse>},
      {"RecordResponse", Prepare(reach, &ReachRequests::Response),
       RenderRecorded<v1::RecordResponseResponse>},
      {"ReportDelivery", Prepare(reach, &ReachRequests::Delivery),
       RenderRecorded<v1::ReportDeliveryResponse>}};
  service.batches = {{"ImportCampaigns", "CreateCampaign"},
                     {"ImportSends", "RecordSend"},
                     {"ImportResponses", "RecordResponse"}};
}

void AddQueries(const AggregateType& reach, ServiceDefinition& service) {
  const std::vector<std::string> outcomes = {std::string(CampaignOutcomes::kName)};
  service.queries = ReachQueries(reach);
  service.queries.push_back(
      Query("ListCampaigns", &ListCampaigns, {std::string(CampaignsByTime::kName)}));
  service.queries.push_back(Query("ListRefusals", &ListRefusals, outcomes));
  service.queries.push_back(Query("GetCampaignStatistics", &GetCampaignStatistics, outcomes));
  service.queries.push_back(Query("ListCampaignStatistics", &ListCampaignStatistics, outcomes));
  service.queries.push_back(Query("CompareCampaigns", &CompareCampaigns, outcomes));
}

}  // namespace

ServiceDefinition MakeCampaignService(const CampaignOptions& options, const Clock& clock) {
  return MakeCampaignService(std::make_shared<FileOutbox>(options.outbox_directory), clock);
}

ServiceDefinition MakeCampaignService(std::shared_ptr<Outbox> outbox, const Clock& clock) {
  auto campaign = std::make_unique<CampaignAggregateType>();
  auto reach = std::make_unique<ReachAggregateType>();
  ServiceDefinition service;
  service.name = "campaign";
  service.topic = "crm.campaign.events";
  service.record = &v1::CampaignRecord::default_instance();
  service.rpc =
      v1::ListCampaignsRequest::descriptor()->file()->FindServiceByName("CampaignService");
  service.resources = {{campaign.get(), "campaigns/*", "GetCampaign", "ListCampaignRevisions"}};
  AddCommands(CampaignRequests(*campaign, clock), ReachRequests(*reach, clock), service);
  AddQueries(*reach, service);
  AddViews(service);
  AddSegments(*reach, service);
  AddReactions(*reach, std::move(outbox), service);
  service.aggregates.push_back(std::move(campaign));
  service.aggregates.push_back(std::move(reach));
  return service;
}

}  // namespace crm::campaign
