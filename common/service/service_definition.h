#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/aggregate/command.h"
#include "common/base/secret.h"
#include "common/projection/partition_fold.h"
#include "common/projection/projection.h"
#include "common/rpc/call.h"
#include "common/service/moment.h"
#include "common/service/reaction.h"
#include "common/service/view_reading.h"

namespace crm {

// Makes names of aggregates (PROTOCOL §1). Thread-safe.
class NameMaker {
 public:
  NameMaker(const Secret& secret, Random& random, std::string service)
      : secret_(secret), random_(random), service_(std::move(service)) {}
  // Of a thing born with an external key. `collection` is "contacts"; `kind` the id's first letter.
  std::string FromExternalKey(std::string_view collection, char kind, std::string_view tenant,
                              std::string_view source, std::string_view key) const;
  // Of one born without: derived from the request id, or random where that is empty.
  std::string FromRequest(std::string_view collection, char kind, std::string_view tenant,
                          std::string_view request_id) const;

 private:
  const Secret& secret_;
  Random& random_;
  std::string service_;
};

// What a request becomes a command with. Borrows.
struct CommandContext {
  const Caller& caller;
  const NameMaker& names;
  // The tenant's settings (ServiceDefinition::tenants), serialised; empty: it has none.
  std::string_view settings = {};
  // Wall clock of the process that decides, or of the one that passes the command on to it.
  TimeNs now = 0;
  // The core as it is, maybe behind the owners of other partitions; null in tests without one.
  const RowReader* core = nullptr;
};

// From a request to a command: all faults of the request at once. The host has parsed the request
// and cleared what breaks its field rules, and names those faults with these; it fills caller,
// request id, payload HMAC, validate_only and deadline.
using PrepareCommand = std::function<absl::StatusOr<std::unique_ptr<Command>>(
    const CommandContext& context, const google::protobuf::Message& request)>;

// A PrepareCommand of a member of `Requests`, which is copied into it.
template <typename Requests, typename Request>
PrepareCommand Prepare(const Requests& requests,
                       absl::StatusOr<std::unique_ptr<Command>> (Requests::*prepare)(
                           const Caller&, const Request&, const NameMaker&) const) {
  return [requests, prepare](const CommandContext& context,
                             const google::protobuf::Message& request) {
    return (requests.*prepare)(context.caller, static_cast<const Request&>(request), context.names);
  };
}
// The same of one that asks for the settings too.
template <typename Requests, typename Request>
PrepareCommand Prepare(const Requests& requests,
                       absl::StatusOr<std::unique_ptr<Command>> (Requests::*prepare)(
                           const CommandContext&, const Request&) const) {
  return
      [requests, prepare](const CommandContext& context, const google::protobuf::Message& request) {
        return (requests.*prepare)(context, static_cast<const Request&>(request));
      };
}

// From an outcome to the serialised response.
using RenderOutcome = std::function<std::string(Outcome&& outcome)>;

struct CommandMethod {
  // Short name of the RPC.
  std::string method;
  PrepareCommand prepare;
  // The resource itself.
  RenderOutcome render = [](Outcome&& outcome) { return std::move(outcome.resource); };
  // A repeat is known by its request id alone, whatever else it says. For methods that pass on what
  // a reaction decided (Command::as_call): decided again it may say something else, and the command
  // itself has no payload HMAC either. Their requests have `request_id`, `source`
  // (crm.common.v1.SourcePosition) and `causation_id`, which the host fills in.
  bool known_by_request_id = false;
  // Also for tenants that nothing is known of.
  bool for_unknown_tenants = false;
};

// What a query may read. The stores have reached the call's positions before the query runs.
struct QueryContext {
  const Caller& caller;
  const NameMaker& names;
  const ServiceReading& reading;
  // Opens events of the service's own topic, for histories.
  EventSource events;
  // The past moment asked for by the request's `as_of`, if it has that field and sets it.
  std::optional<Moment> as_of;
  const Secret& secret;
  Random& random;
  TimeNs now = 0;
  // A token for what one projection of the call shows ("a section and its position").
  std::function<std::string(const ProjectionReading&)> token;
  // What the method's `subject` named, or what that is an alias of: a query that answers MOVED runs
  // again about the contact named. Empty where the method names none.
  std::string subject = {};
};

// From a validated request to the serialised response.
using RunQuery = std::function<absl::StatusOr<std::string>(
    const QueryContext& context, const google::protobuf::Message& request)>;

// The subject a request is about, "contacts/c1". INVALID_ARGUMENT: the request names none.
using SubjectOfRequest = std::function<absl::StatusOr<std::string>(
    const Caller& caller, const google::protobuf::Message& request, const NameMaker& names)>;

struct QueryMethod {
  std::string method;
  RunQuery run;
  // Set: the query is about one subject, and positions of its partition alone are waited for and
  // answered. `as_of` needs it.
  SubjectOfRequest subject;
  // Views the query reads; their positions are waited for, and answered with the core's. Empty:
  // all.
  std::vector<std::string> views;
};

// A fold of the events of one topic: the service's own or another's. Rows of different views never
// depend on one another, so that every view is a function of one log.
struct ViewDefinition {
  std::unique_ptr<Projection> projection;
  // Empty: the service's own topic.
  std::string topic;
  // That topic's record message; null: the service's own.
  const google::protobuf::Message* record = nullptr;
};

// Standard methods the host runs by itself, for one kind of aggregate.
struct ResourceMethods {
  const AggregateType* type = nullptr;
  // "contacts/*", "contacts/*/orders/*", "contacts/*/lifecycle": a star for each id;
  // "tenants/{tenant}".
  std::string pattern;
  // `name = 1; AsOf as_of = 2` -> the resource. Copies the core's row.
  std::string get;
  // `name = 1; page_size = 2; page_token = 3` -> `revisions = 1; next_page_token = 2`, each
  // revision with version, event_type, recorded_time, actor, request_id, traceparent,
  // changed_fields and the resource as the field named last. See crm/contact/v1.
  std::string list_revisions;
  // `names = 1` -> the resources as the response's first field, in the order asked for.
  std::string batch_get{};
  // Numbers of the resource's fields that `get` and `batch_get` leave out where their request has a
  // field `view` that is BASIC.
  std::vector<uint32_t> not_in_basic{};
};

// What google.longrunning.Operations does with a service's long-running operations.
struct OperationMethods {
  // "operations/*": an aggregate whose resource is a google.longrunning.Operation. No two services
  // of a deployment have the same.
  std::string pattern;
  // From a CancelOperationRequest, whose name is checked by then, to a command.
  PrepareCommand cancel;
};

// Everything the host needs to know of a service. A service builds one; the host runs it over any
// log.
struct ServiceDefinition {
  // "contact": names its data directory, metrics and status.
  std::string name;
  // "crm.contact.events".
  std::string topic;
  // The topic's record message.
  const google::protobuf::Message* record = nullptr;
  std::vector<std::unique_ptr<AggregateType>> aggregates;
  // "tenants": the collection of the service's resources that hold the settings of tenants, one
  // each, named as the tenant; commands are prepared with those of their tenant. Empty: none.
  std::string tenants;
  // Raised when the core's rows of the same log change.
  int core_version = 2;
  std::vector<ViewDefinition> views;
  // Told the deployment's secret once, before any view is folded. May be empty.
  std::function<void(const Secret&)> use_secret;
  std::vector<std::unique_ptr<Reaction>> reactions;
  const google::protobuf::ServiceDescriptor* rpc = nullptr;
  std::vector<ResourceMethods> resources;
  std::vector<CommandMethod> commands;
  std::vector<QueryMethod> queries;
  // Bidirectional stream -> the command method each item is.
  std::vector<std::pair<std::string, std::string>> batches;
  std::optional<OperationMethods> operations{};
};

}  // namespace crm
