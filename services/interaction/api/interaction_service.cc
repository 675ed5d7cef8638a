#include "services/interaction/api/interaction_service.h"

#include <memory>
#include <string>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/projection/tenants_seen.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/interaction/v1/interaction_service.pb.h"
#include "services/interaction/api/fact_queries.h"
#include "services/interaction/api/request_faults.h"
#include "services/interaction/api/request_reading.h"
#include "services/interaction/projection/contact_timeline.h"
#include "services/interaction/projection/interaction_aggregate.h"
#include "services/interaction/projection/order_aggregate.h"

namespace crm::interaction {
namespace {

constexpr char kInteractionKind = 'i';
constexpr char kOrderKind = 'o';

using PreparedCommand = absl::StatusOr<std::unique_ptr<Command>>;

// The decider's command, whose events also tell in their metadata when it happened. To the
// nanosecond in all the years 1 to 9999, which Command::occurred_time cannot hold.
template <typename T, typename C>
class FactCommand final : public Command {
 public:
  FactCommand(const AggregateType& aggregate_type, std::string name, C command)
      : occurred_time_(command.content.occurred_time),
        decided_(aggregate_type, std::move(name), std::move(command)) {
    type = decided_.type;
    aggregate = decided_.aggregate;
    subject = decided_.subject;
  }

  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override {
    CRM_ASSIGN_OR_RETURN(std::vector<NewEvent> events, decided_.Decide(aggregates));
    for (NewEvent& event : events) {
      auto& record = static_cast<typename T::Record&>(*event.record);
      WriteInstant(occurred_time_, record.mutable_metadata()->mutable_occurred_time());
    }
    return events;
  }

 private:
  const Instant occurred_time_;
  const DeciderCommand<T, C> decided_;
};

// From requests to commands. Copied into the service's methods; borrows types and clock.
struct Requests {
  const AggregateType* interactions;
  const AggregateType* orders;
  const Clock* clock;

  PreparedCommand Log(const Caller& caller, const v1::LogInteractionRequest& request,
                      const NameMaker& names) const {
    RequestFaults faults;
    const std::string contact = ReadContactName(caller, ContactIn(request), names, faults);
    auto key = ReadKey("interaction.external_key", request.interaction(), faults);
    auto content = ReadInteraction(request.interaction(), clock->Now(), faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    const std::string collection = contact + "/interactions";
    std::string name =
        key ? names.FromExternalKey(collection, kInteractionKind, caller.tenant, key->source,
                                    key->key)
            : names.FromRequest(collection, kInteractionKind, caller.tenant, request.request_id());
    auto command = std::make_unique<FactCommand<InteractionAggregate, LogInteraction>>(
        *interactions, std::move(name), LogInteraction{std::move(content), std::move(key)});
    command->etag = request.interaction().etag();
    return command;
  }

  PreparedCommand Record(const Caller& caller, const v1::RecordOrderRequest& request,
                         const NameMaker& names) const {
    RequestFaults faults;
    const std::string contact = ReadContactName(caller, ContactIn(request), names, faults);
    auto key = ReadKey("order.external_key", request.order(), faults);
    auto content = ReadOrder(request.order(), clock->Now(), faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    std::string name = names.FromExternalKey(contact + "/orders", kOrderKind, caller.tenant,
                                             key->source, key->key);
    auto command = std::make_unique<FactCommand<OrderAggregate, RecordOrder>>(
        *orders, std::move(name), RecordOrder{std::move(content), std::move(key)});
    command->etag = request.order().etag();
    return command;
  }
};

v1::RecordOutcome OutcomeOf(const Outcome& outcome) {
  if (outcome.events == 0) return v1::UNCHANGED;
  return outcome.version_before == 0 ? v1::RECORDED : v1::CORRECTED;
}

static_assert(v1::LogInteractionResponse::kInteractionFieldNumber == 1 &&
              v1::LogInteractionResponse::kOutcomeFieldNumber == 2 &&
              v1::RecordOrderResponse::kOrderFieldNumber == 1 &&
              v1::RecordOrderResponse::kOutcomeFieldNumber == 2);

// Either response. The resource goes in as it was serialised; protobuf joins the two parts.
std::string RenderOutcomeOf(Outcome&& outcome) {
  constexpr char kResourceTag = 1 << 3 | 2;
  v1::RecordOrderResponse rest;
  rest.set_outcome(OutcomeOf(outcome));
  std::string response(1, kResourceTag);
  AppendSized(&response, outcome.resource);
  return response + rest.SerializeAsString();
}

// A query about the contact that the request names, over the time line.
template <typename Request>
QueryMethod QueryOf(std::string method,
                    absl::StatusOr<std::string> (*run)(const QueryContext&, const Request&)) {
  QueryMethod query;
  query.method = std::move(method);
  query.run = [run](const QueryContext& context, const google::protobuf::Message& request) {
    return run(context, static_cast<const Request&>(request));
  };
  query.subject = [](const Caller& caller, const google::protobuf::Message& request,
                     const NameMaker& names) -> absl::StatusOr<std::string> {
    RequestFaults faults;
    std::string name =
        ReadContactName(caller, ContactIn(static_cast<const Request&>(request)), names, faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    return name;
  };
  query.views = {std::string(ContactTimeline::kName)};
  return query;
}

}  // namespace

ServiceDefinition MakeInteractionService(const InteractionOptions& options) {
  auto interactions = std::make_unique<InteractionAggregateType>();
  auto orders = std::make_unique<OrderAggregateType>();
  const Requests requests{interactions.get(), orders.get(), &options.clock};
  ServiceDefinition service;
  service.name = "interaction";
  service.topic = "crm.interaction.events";
  service.record = &v1::InteractionRecord::default_instance();
  service.rpc =
      v1::ListOrdersRequest::descriptor()->file()->FindServiceByName("InteractionService");
  service.resources = {{interactions.get(), "contacts/*/interactions/*", "GetInteraction",
                        "ListInteractionRevisions"},
                       {orders.get(), "contacts/*/orders/*", "GetOrder", "ListOrderRevisions"}};
  service.commands = {{"LogInteraction", Prepare(requests, &Requests::Log), RenderOutcomeOf},
                      {"RecordOrder", Prepare(requests, &Requests::Record), RenderOutcomeOf}};
  service.queries = {QueryOf("ListInteractions", ListInteractions),
                     QueryOf("ListOrders", ListOrders), QueryOf("ContactBrief", ContactBrief)};
  service.batches = {{"ImportInteractions", "LogInteraction"}, {"ImportOrders", "RecordOrder"}};
  service.views.push_back({std::make_unique<ContactTimeline>(), "", nullptr});
  service.views.push_back({std::make_unique<TenantsSeen>(), "crm.contact.events",
                           &contact::v1::ContactRecord::default_instance()});
  service.aggregates.push_back(std::move(interactions));
  service.aggregates.push_back(std::move(orders));
  return service;
}

}  // namespace crm::interaction
