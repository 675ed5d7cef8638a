#include "services/campaign/api/segment_requests.h"

#include <memory>
#include <utility>

#include "common/base/status.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/campaign/api/requests.h"
#include "services/campaign/api/segment_queries.h"
#include "services/campaign/projection/audience_contacts.h"
#include "services/campaign/projection/audience_orders.h"
#include "services/campaign/projection/audience_scores.h"
#include "services/campaign/projection/segment_aggregate.h"
#include "services/campaign/projection/segment_members.h"
#include "services/campaign/projection/segments.h"
#include "services/campaign/reaction/membership_of_facts.h"
#include "services/campaign/reaction/membership_rules.h"
#include "services/campaign/reaction/segment_backfill.h"

namespace crm::campaign {
namespace {

constexpr std::string_view kCollection = "segments";
constexpr char kIdKind = 's';

PreparedCommand Create(const AggregateType& type, const Caller& caller,
                       const v1::CreateSegmentRequest& request, const NameMaker& names) {
  const v1::Segment& segment = request.segment();
  FieldFaults faults;
  CheckText("segment.display_name", TextKind::kLine, segment.display_name(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  CRM_ASSIGN_OR_RETURN(Filter filter, CheckFilter(segment.filter()));
  std::string name = names.FromRequest(kCollection, kIdKind, caller.tenant, request.request_id());
  DefineSegment define{.name = name,
                       .display_name = segment.display_name(),
                       .kind = segment.kind(),
                       .filter = std::move(filter)};
  return CommandAbout<SegmentAggregate>(type, std::move(name), "", std::move(define));
}

PreparedCommand Rename(const AggregateType& type, const Caller&,
                       const v1::RenameSegmentRequest& request, const NameMaker&) {
  CRM_RETURN_IF_ERROR(CheckSegmentName("name", request.name()));
  FieldFaults faults;
  CheckText("display_name", TextKind::kLine, request.display_name(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return CommandAbout<SegmentAggregate>(type, request.name(), request.etag(),
                                        RenameSegment{request.display_name()});
}

PreparedCommand Delete(const AggregateType& type, const Caller&,
                       const v1::DeleteSegmentRequest& request, const NameMaker&) {
  CRM_RETURN_IF_ERROR(CheckSegmentName("name", request.name()));
  return CommandAbout<SegmentAggregate>(type, request.name(), request.etag(), DeleteSegment{});
}

template <typename Request>
PrepareCommand Prepare(const AggregateType& type,
                       PreparedCommand (*prepare)(const AggregateType&, const Caller&,
                                                  const Request&, const NameMaker&)) {
  return [&type, prepare](const CommandContext& context, const google::protobuf::Message& request) {
    return prepare(type, context.caller, static_cast<const Request&>(request), context.names);
  };
}

void AddViews(ServiceDefinition& service) {
  service.views.push_back({std::make_unique<AudienceContacts>(), "crm.contact.events",
                           &contact::v1::ContactRecord::default_instance()});
  service.views.push_back({std::make_unique<AudienceOrders>(), "crm.interaction.events",
                           &interaction::v1::InteractionRecord::default_instance()});
  service.views.push_back({std::make_unique<AudienceScores>(), "crm.analytics.events",
                           &analytics::v1::AnalyticsRecord::default_instance()});
  service.views.push_back({std::make_unique<Segments>(), "", nullptr});
  service.views.push_back({std::make_unique<SegmentMembers>(), "", nullptr});
}

void AddReactions(const AggregateType& reach, ServiceDefinition& service) {
  using Source = MembershipOfFacts::Source;
  const auto rules = std::make_shared<MembershipRules>(reach);
  service.reactions.push_back(std::make_unique<SegmentBackfill>(rules));
  for (const Source source : {Source::kContact, Source::kOrders, Source::kScores}) {
    service.reactions.push_back(std::make_unique<MembershipOfFacts>(source, rules));
  }
}

void AddMethods(const AggregateType& type, ServiceDefinition& service) {
  service.resources.push_back({&type, "segments/*", "GetSegment", ""});
  service.commands.push_back({"CreateSegment", Prepare(type, &Create)});
  service.commands.push_back({"RenameSegment", Prepare(type, &Rename)});
  service.commands.push_back({"DeleteSegment", Prepare(type, &Delete)});
  service.queries.push_back(
      {"ListSegments", ListSegments, nullptr, {std::string(Segments::kName)}});
  service.queries.push_back(
      {"ListSegmentMembers", ListSegmentMembers, nullptr, {std::string(SegmentMembers::kName)}});
  service.queries.push_back(
      {"PreviewSegment",
       PreviewSegment,
       nullptr,
       {std::string(AudienceContacts::kName), std::string(AudienceOrders::kName),
        std::string(AudienceScores::kName), std::string(Segments::kName),
        std::string(SegmentMembers::kName)}});
}

}  // namespace

void AddSegments(const AggregateType& reach, ServiceDefinition& service) {
  auto type = std::make_unique<SegmentAggregateType>();
  AddViews(service);
  AddReactions(reach, service);
  AddMethods(*type, service);
  service.aggregates.push_back(std::move(type));
}

}  // namespace crm::campaign
