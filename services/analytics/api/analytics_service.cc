#include "services/analytics/api/analytics_service.h"

#include <memory>
#include <string>
#include <utility>

#include "common/projection/tenants_seen.h"
#include "crm/analytics/v1/analytics_service.pb.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/analytics/api/customer360.h"
#include "services/analytics/api/list_scores.h"
#include "services/analytics/api/predict_purchases.h"
#include "services/analytics/api/record_scores.h"
#include "services/analytics/api/sales_figures.h"
#include "services/analytics/api/score_runs.h"
#include "services/analytics/projection/contact_scores_aggregate.h"
#include "services/analytics/projection/customer_campaigns.h"
#include "services/analytics/projection/customer_contacts.h"
#include "services/analytics/projection/customer_interactions.h"
#include "services/analytics/projection/customer_scores.h"
#include "services/analytics/projection/order_facts.h"
#include "services/analytics/projection/score_run_aggregate.h"
#include "services/analytics/reaction/compute_scores.h"

namespace crm::analytics {
namespace {

constexpr char kContactTopic[] = "crm.contact.events";
constexpr char kInteractionTopic[] = "crm.interaction.events";
constexpr char kCampaignTopic[] = "crm.campaign.events";

// A query whose answer is a message.
template <typename Request, typename Response>
RunQuery Answer(absl::StatusOr<Response> (*run)(const QueryContext&, const Request&)) {
  return [run](const QueryContext& context,
               const google::protobuf::Message& request) -> absl::StatusOr<std::string> {
    CRM_ASSIGN_OR_RETURN(const Response response,
                         run(context, static_cast<const Request&>(request)));
    return response.SerializeAsString();
  };
}

std::vector<ViewDefinition> Views() {
  std::vector<ViewDefinition> views;
  const auto add = [&](std::unique_ptr<Projection> view, const char* topic,
                       const google::protobuf::Message* record) {
    views.push_back({std::move(view), topic, record});
  };
  add(std::make_unique<CustomerContacts>(), kContactTopic,
      &contact::v1::ContactRecord::default_instance());
  add(std::make_unique<CustomerInteractions>(), kInteractionTopic,
      &interaction::v1::InteractionRecord::default_instance());
  add(std::make_unique<OrderFacts>(), kInteractionTopic,
      &interaction::v1::InteractionRecord::default_instance());
  add(std::make_unique<CustomerCampaigns>(), kCampaignTopic,
      &campaign::v1::CampaignRecord::default_instance());
  add(std::make_unique<CustomerScores>(), "", nullptr);
  add(std::make_unique<TenantsSeen>(), kContactTopic,
      &contact::v1::ContactRecord::default_instance());
  return views;
}

std::vector<QueryMethod> Queries() {
  const std::string facts(OrderFacts::kName);
  const std::string scores(CustomerScores::kName);
  return {
      {"GetCustomer360", Answer(GetCustomer360), SubjectOfCustomer360, Customer360Views()},
      {"PreviewScoreRun", Answer(PreviewScoreRun), nullptr, {facts}},
      {"ListScoreRuns", Answer(ListScoreRuns), nullptr, {scores}},
      {"ListContactScores", Answer(ListContactScores), nullptr, {scores}},
      {"GetRfmSegments", Answer(GetRfmSegments), nullptr, {scores}},
      {"GetConcentration", Answer(GetConcentration), nullptr, {facts}},
      {"GetSalesTotals", Answer(GetSalesTotals), nullptr, {facts}},
      {"PredictPurchases", Answer(PredictPurchases), SubjectOfPrediction, {scores}},
  };
}

}  // namespace

ServiceDefinition MakeAnalyticsService() {
  auto runs = std::make_unique<ScoreRunAggregateType>();
  auto scores = std::make_unique<ContactScoresAggregateType>();
  ServiceDefinition service;
  service.name = "analytics";
  service.topic = "crm.analytics.events";
  service.record = &v1::AnalyticsRecord::default_instance();
  service.rpc =
      v1::GetCustomer360Request::descriptor()->file()->FindServiceByName("AnalyticsService");
  service.resources = {
      {runs.get(), "scoreRuns/*", "GetScoreRun", "ListScoreRunRevisions"},
      {scores.get(), "contacts/*/scores", "GetContactScores", "ListContactScoresRevisions"}};
  service.commands = {{"StartScoreRun", PrepareStartScoreRun(*runs)},
                      {"RecordContactScores", PrepareRecordContactScores(*scores)}};
  service.commands.back().known_by_request_id = true;
  service.queries = Queries();
  service.views = Views();
  service.reactions.push_back(std::make_unique<ComputeScoreRun>(*runs, *scores));
  service.aggregates.push_back(std::move(runs));
  service.aggregates.push_back(std::move(scores));
  return service;
}

}  // namespace crm::analytics
