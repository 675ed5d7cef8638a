#include "services/campaign/api/campaign_service.h"

#include <utility>
#include <vector>

#include "crm/analytics/v1/analytics_events.pb.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/campaign/api/campaign_requests.h"
#include "services/campaign/api/list_queries.h"
#include "services/campaign/api/reach_queries.h"
#include "services/campaign/api/reach_requests.h"
#include "services/campaign/api/segment_requests.h"
#include "services/campaign/api/statistics_queries.h"
#include "services/campaign/projection/audience_contacts.h"
#include "services/campaign/projection/audience_orders.h"
#include "services/campaign/projection/audience_scores.h"
#include "services/campaign/projection/campaign_aggregate.h"
#include "services/campaign/projection/campaign_outcomes.h"
#include "services/campaign/projection/campaigns_by_time.h"
#include "services/campaign/projection/reach_aggregate.h"
#include "services/campaign/projection/segment_aggregate.h"
#include "services/campaign/projection/segment_members.h"
#include "services/campaign/projection/segments.h"
#include "services/campaign/reaction/hand_off.h"
#include "services/campaign/reaction/membership_of_facts.h"
#include "services/campaign/reaction/outbox.h"
#include "services/campaign/reaction/segment_backfill.h"
#include "services/campaign/reaction/send_of_step.h"

namespace crm::campaign {
namespace {

using google::protobuf::Message;

template <typename Request>
QueryMethod Query(const char* method,
                  absl::StatusOr<std::string> (*run)(const QueryContext&, const Request&),
                  std::vector<std::string_view> views) {
  return {.method = method,
          .run =
              [run](const QueryContext& context, const Message& request) {
                return run(context, static_cast<const Request&>(request));
              },
          .views = {views.begin(), views.end()}};
}

// The views that facts about contacts are read from, each of another service's topic.
void AddAudience(ServiceDefinition& service) {
  service.views.push_back({std::make_unique<AudienceContacts>(), "crm.contact.events",
                           &contact::v1::ContactRecord::default_instance()});
  service.views.push_back({std::make_unique<AudienceOrders>(), "crm.interaction.events",
                           &interaction::v1::InteractionRecord::default_instance()});
  service.views.push_back({std::make_unique<AudienceScores>(), "crm.analytics.events",
                           &analytics::v1::AnalyticsRecord::default_instance()});
}

void AddViews(ServiceDefinition& service) {
  AddAudience(service);
  service.views.push_back({std::make_unique<Segments>(), "", nullptr});
  service.views.push_back({std::make_unique<SegmentMembers>(), "", nullptr});
  service.views.push_back({std::make_unique<CampaignsByTime>(), "", nullptr});
  service.views.push_back({std::make_unique<CampaignOutcomes>(), "", nullptr});
}

void AddReactions(const AggregateType& reach, std::shared_ptr<Outbox> outbox,
                  ServiceDefinition& service) {
  using Source = MembershipOfFacts::Source;
  auto rules = std::make_shared<MembershipRules>(reach);
  for (const Source source : {Source::kContact, Source::kOrders, Source::kScores}) {
    service.reactions.push_back(std::make_unique<MembershipOfFacts>(source, rules));
  }
  service.reactions.push_back(std::make_unique<SegmentBackfill>(rules));
  service.reactions.push_back(std::make_unique<SendOfStep>(reach));
  service.reactions.push_back(std::make_unique<HandOff>(reach, std::move(outbox)));
}

void AddCommands(const SegmentRequests& segments, const CampaignRequests& campaigns,
                 const ReachRequests& reach, ServiceDefinition& service) {
  service.commands = {
      {"CreateSegment", Prepare(segments, &SegmentRequests::Create)},
      {"RenameSegment", Prepare(segments, &SegmentRequests::Rename)},
      {"DeleteSegment", Prepare(segments, &SegmentRequests::Delete)},
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
  service.batches = {{"ImportSends", "RecordSend"}, {"ImportResponses", "RecordResponse"}};
}

void AddQueries(const AggregateType& reach, ServiceDefinition& service) {
  service.queries = ReachQueries(reach);
  for (QueryMethod& method : std::vector<QueryMethod>{
           Query("ListSegments", &ListSegments, {Segments::kName}),
           Query("ListSegmentMembers", &ListSegmentMembers, {SegmentMembers::kName}),
           Query("ListCampaigns", &ListCampaigns, {CampaignsByTime::kName}),
           Query("ListRefusals", &ListRefusals, {CampaignOutcomes::kName}),
           Query("GetCampaignStatistics", &GetCampaignStatistics, {CampaignOutcomes::kName}),
           Query("ListCampaignStatistics", &ListCampaignStatistics, {CampaignOutcomes::kName}),
           Query("CompareCampaigns", &CompareCampaigns, {CampaignOutcomes::kName})}) {
    service.queries.push_back(std::move(method));
  }
}

}  // namespace

ServiceDefinition MakeCampaignService(const CampaignOptions& options, const Clock& clock) {
  auto segment = std::make_unique<SegmentAggregateType>();
  auto campaign = std::make_unique<CampaignAggregateType>();
  auto reach = std::make_unique<ReachAggregateType>();
  ServiceDefinition service;
  service.name = "campaign";
  service.topic = "crm.campaign.events";
  service.record = &v1::CampaignRecord::default_instance();
  service.rpc =
      v1::ListCampaignsRequest::descriptor()->file()->FindServiceByName("CampaignService");
  service.resources = {{segment.get(), "segments/*", "GetSegment", ""},
                       {campaign.get(), "campaigns/*", "GetCampaign", "ListCampaignRevisions"}};
  AddCommands(SegmentRequests(*segment), CampaignRequests(*campaign, clock),
              ReachRequests(*reach, clock), service);
  AddQueries(*reach, service);
  AddViews(service);
  AddReactions(*reach, std::make_shared<FileOutbox>(options.outbox_directory), service);
  service.aggregates.push_back(std::move(segment));
  service.aggregates.push_back(std::move(campaign));
  service.aggregates.push_back(std::move(reach));
  return service;
}

}  // namespace crm::campaign
