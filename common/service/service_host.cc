#include "common/service/service_host.h"

#include <fmt/format.h>
#include <google/longrunning/operations.pb.h>

#include <algorithm>
#include <limits>
#include <set>
#include <thread>

#include "common/aggregate/core_rows.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/projection/tenants_seen.h"
#include "common/rpc/validate.h"
#include "common/rpc/wire_walk.h"
#include "common/service/moved_subjects.h"
#include "common/service/operation_calls.h"
#include "common/service/projection_drivers.h"
#include "common/service/reaction_side.h"
#include "common/service/resource_reads.h"
#include "crm/common/v1/position.pb.h"

namespace crm {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr TimeNs kHealPause = 10 * kSecond;
constexpr TimeNs kFoldedEvery = kSecond;
constexpr TimeNs kHandOver = kSecond;
// A stop waits this long to learn who else is there.
constexpr TimeNs kPeersPatience = 300 * kMillisecond;

AggregateTypes TypesOf(const ServiceDefinition& definition) {
  AggregateTypes types;
  for (const auto& type : definition.aggregates) types[type->record_field()] = type.get();
  return types;
}

// Values of fields that a request may lack (null).
std::string StringOf(const Message& message, const FieldDescriptor* field) {
  return field == nullptr ? "" : message.GetReflection()->GetString(message, field);
}

bool BoolOf(const Message& message, const FieldDescriptor* field) {
  return field != nullptr && message.GetReflection()->GetBool(message, field);
}

int IntOf(const Message& message, const FieldDescriptor* field) {
  return field == nullptr ? 0 : message.GetReflection()->GetInt32(message, field);
}

const common::v1::AsOf* AsOfOf(const Message& message, const FieldDescriptor* field) {
  if (field == nullptr || !message.GetReflection()->HasField(message, field)) return nullptr;
  return static_cast<const common::v1::AsOf*>(&message.GetReflection()->GetMessage(message, field));
}

// A request that names one resource, with its fields looked up once.
struct NamedRequest {
  explicit NamedRequest(const Message& request) : type(request) {}

  const Message& type;
  const FieldDescriptor* const name = Find("name");
  const FieldDescriptor* const as_of = Find("as_of");
  const FieldDescriptor* const page_size = Find("page_size");
  const FieldDescriptor* const page_token = Find("page_token");
  const FieldDescriptor* const names = Find("names");
  const FieldDescriptor* const view = Find("view");

  bool WantsBasic(const Message& request) const {
    return view != nullptr && request.GetReflection()->GetEnumValue(request, view) == basic_;
  }

 private:
  const FieldDescriptor* Find(const char* field) const {
    return type.GetDescriptor()->FindFieldByName(field);
  }

  const int basic_ = view == nullptr ? 0 : view->enum_type()->FindValueByName("BASIC")->number();
};

ResourceRef RefOf(const UnaryCall& call, std::string name) {
  const std::string& tenant = call.context().caller.tenant;
  const Partition partition = PartitionOfSubject(tenant, SubjectOf(name));
  return {partition, tenant, std::move(name)};
}

// Parses the request of a method that names one resource.
absl::StatusOr<ResourceRef> ParseNamed(const UnaryCall& call, std::string_view pattern,
                                       const NamedRequest& named, Message* request) {
  CRM_RETURN_IF_ERROR(ParseAndValidate(call.request(), request));
  std::string name = StringOf(*request, named.name);
  CRM_RETURN_IF_ERROR(CheckResourceName(pattern, name));
  return RefOf(call, std::move(name));
}

// Parses the request of a method that names several.
absl::StatusOr<std::vector<ResourceRef>> ParseNames(const UnaryCall& call, std::string_view pattern,
                                                    const NamedRequest& named, Message* request) {
  CRM_RETURN_IF_ERROR(ParseAndValidate(call.request(), request));
  FieldFaults faults;
  std::vector<ResourceRef> refs;
  for (int i = 0; i < request->GetReflection()->FieldSize(*request, named.names); ++i) {
    std::string name = request->GetReflection()->GetRepeatedString(*request, named.names, i);
    if (!CheckResourceName(pattern, name).ok()) {
      faults.Add(fmt::format("names[{}]", i), fmt::format("must have the form {}", pattern));
    }
    refs.push_back(RefOf(call, std::move(name)));
  }
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return refs;
}

// Each once, in order.
std::vector<Partition> PartitionsOf(const std::vector<ResourceRef>& refs) {
  std::set<Partition> partitions;
  for (const ResourceRef& ref : refs) partitions.insert(ref.partition);
  return {partitions.begin(), partitions.end()};
}

std::vector<Partition> AllPartitions() {
  std::vector<Partition> all(kPartitions);
  for (Partition p = 0; p < kPartitions; ++p) all[static_cast<size_t>(p)] = p;
  return all;
}

absl::Status Healing() {
  return RetryLater(absl::StatusCode::kUnavailable, "PROJECTION_REBUILDING",
                    "the projection is being rebuilt; retry later", 1000);
}

}  // namespace

ServiceHost::ServiceHost(ServiceDefinition definition, const LogOfTopic& log_of,
                         HostEnvironment environment, HostOptions options)
    : definition_(std::move(definition)),
      log_(log_of(definition_.topic)),
      environment_(environment),
      options_(std::move(options)),
      names_(environment_.secret, environment_.random, definition_.name),
      schema_(*definition_.record),
      core_projection_(TypesOf(definition_), definition_.core_version),
      tokens_(environment_.secret, environment_.random, definition_.topic, log_.identity()),
      waits_(tokens_, environment_.clock) {
  for (std::atomic<Offset>& at : unmarked_at_) at = kNoOffset;
  if (definition_.use_secret) definition_.use_secret(environment_.secret);
  core_ = MakeServed(core_projection_, log_, source(),
                     [this](Store& store, std::function<void(absl::Status)> failed) {
                       return MakeCoreDriver(store, std::move(failed));
                     });
  all_.push_back(core_.get());
  for (const ViewDefinition& view : definition_.views) AddView(view, log_of);
  gate_ = std::make_unique<TenantGate>(
      TenantGate::Reads{*core_, FindProjection(TenantsSeen::kName), waits_});
  MakeOperationCalls();
  if (definition_.reactions.empty()) return;
  reaction_side_ = std::make_unique<ReactionSide>(
      ReactionSide::Of{definition_, *core_, views_, [this] { return ReadAll(); },
                       [this](std::unique_ptr<Command> command) {
                         passing_->Prepare(command.get());
                         Submit(std::move(command));
                       }});
  ReactionRunner::Options reactions;
  reactions.note = options_.note;
  reactions_ = std::make_unique<ReactionRunner>(
      std::move(reactions), definition_.reactions, *definition_.record, log_of, environment_.sealer,
      names_, environment_.clock, environment_.random, *reaction_side_);
}

std::unique_ptr<ProjectionDriver> ServiceHost::MakeCoreDriver(
    Store& store, std::function<void(absl::Status)> failed) {
  LaneRunner::Options lanes;
  lanes.owner = options_.owner;
  lanes.endpoint = options_.endpoint;
  lanes.threads = options_.lane_threads;
  lanes.max_queued = options_.max_queued_commands;
  lanes.append_took = options_.append_took;
  lanes.follow = options_.shared_log;
  lanes.hinted = options_.hints == nullptr;
  if (options_.hints != nullptr) {
    lanes.successors = [hints = options_.hints] { return hints->Peers(kPeersPatience); };
  }
  return std::make_unique<CoreDriver>([this](LaneRunner* served) { ServeLanes(served); },
                                      std::move(lanes), log_, core_projection_, schema_,
                                      environment_.sealer, store, core_->tracker(),
                                      environment_.clock, environment_.random, std::move(failed));
}

std::shared_ptr<const ServiceReading> ServiceHost::ReadAll() const {
  auto reading = Read(all_, AllPartitions());
  if (!reading.ok()) return nullptr;
  return std::make_shared<const ServiceReading>(*std::move(reading));
}

std::unique_ptr<ServedProjection> ServiceHost::MakeServed(const Projection& projection, Log& log,
                                                          EventSource source,
                                                          ServedProjection::MakeDriver driver) {
  ProjectionStore::Options store;
  store.root = options_.data_directory + "/" + definition_.name;
  store.store.budget = &environment_.budget;
  store.rebuild_buffer_bytes = options_.rebuild_buffer_bytes;
  store.note = options_.note;
  if (options_.progress) {
    store.progress = [this, name = definition_.name + "/" + std::string(projection.name())](
                         const RebuildProgress& progress) {
      return options_.progress(name, progress);
    };
  }
  trackers_.push_back(std::make_unique<PositionTracker>());
  return std::make_unique<ServedProjection>(
      ProjectionStore(std::move(store), log, projection, source), projection, *trackers_.back(),
      std::move(driver));
}

void ServiceHost::AddView(const ViewDefinition& view, const LogOfTopic& log_of) {
  if (view.topic.empty() || view.topic == definition_.topic) {
    return ServeView(*view.projection, log_, source());
  }
  auto& foreign = foreign_topics_[view.topic];
  if (foreign == nullptr) {
    foreign =
        std::make_unique<ForeignTopic>(ForeignTopic{log_of(view.topic), EventSchema(*view.record)});
  }
  ServeView(*view.projection, foreign->log, {foreign->schema, environment_.sealer});
}

void ServiceHost::ServeView(const Projection& projection, Log& log, EventSource events) {
  // Which served projection a driver drives is known once it is made.
  auto served = std::make_shared<ServedProjection*>();
  views_.push_back(MakeServed(
      projection, log, events, [served](Store& store, std::function<void(absl::Status)> failed) {
        return std::make_unique<ViewDriver>(**served, store, std::move(failed));
      }));
  *served = views_.back().get();
  all_.push_back(views_.back().get());
}

ServiceHost::~ServiceHost() {
  Stop();
}

absl::Status ServiceHost::Start() {
  passing_ =
      std::make_unique<CommandPassing>(environment_.forwarder, options_.endpoint, definition_.rpc);
  // Side by side: each may replay what it had not written to files, or be built anew.
  std::vector<absl::Status> started(all_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < all_.size(); ++i) {
    threads.emplace_back([this, i, &started] { started[i] = all_[i]->Start(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : started) CRM_RETURN_IF_ERROR(status);
  // Once it can serve what it is given.
  if (options_.hints != nullptr) {
    hinting_ = true;
    options_.hints->Start([this](const OwnershipHints::Mine& mine) { TakeHint(mine); },
                          options_.replaced);
  }
  if (reactions_ != nullptr) reactions_->Start();
  return absl::OkStatus();
}

bool ServiceHost::serving() const {
  return Fault().ok() && std::all_of(all_.begin(), all_.end(), [](ServedProjection* each) {
           return each->serving() != nullptr;
         });
}

absl::Status ServiceHost::Fault() const {
  for (const ServedProjection* projection : all_) {
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_RETURN_IF_ERROR(projection->tracker().Check(p));
    }
  }
  return absl::OkStatus();
}

void ServiceHost::TakeHint(const OwnershipHints::Mine& mine) {
  MutexLock lock(hint_mutex_);
  hint_ = mine;
  if (hinted_lanes_ != nullptr) hinted_lanes_->Hint(mine);
}

void ServiceHost::ServeLanes(LaneRunner* lanes) {
  MutexLock lock(hint_mutex_);
  hinted_lanes_ = lanes;
  if (lanes != nullptr && hint_.has_value()) lanes->Hint(*hint_);
}

bool ServiceHost::WaitOpen(TimeNs deadline) {
  if (options_.hints != nullptr) return true;
  const auto serving = core_->serving();
  return serving != nullptr && static_cast<CoreDriver&>(*serving->driver).lanes.WaitOpen(deadline);
}

void ServiceHost::HandOver() {
  if (!hinting_) return;
  const auto serving = core_->serving();
  if (serving == nullptr) return;
  static_cast<CoreDriver&>(*serving->driver).lanes.HandOver(kHandOver);
}

void ServiceHost::Stop() {
  // While lanes still take what it has to record.
  if (reactions_ != nullptr) reactions_->Stop();
  for (ServedProjection* projection : all_) projection->Stop();
  // Last: the lanes ask it who is there to take over.
  if (std::exchange(hinting_, false)) options_.hints->Stop();
}

void ServiceHost::Tick() {
  const TimeNs now = environment_.clock.Monotonic();
  for (const auto& tracker : trackers_) tracker->Expire(now);
  if (options_.hints == nullptr || now < next_folded_) return;
  next_folded_ = now + kFoldedEvery;
  ReportFolded();
}

void ServiceHost::ReportFolded() {
  if (core_->serving() == nullptr) return;
  for (Partition p = 0; p < kPartitions; ++p) {
    options_.hints->Folded(p, core_->tracker().Get(p));
  }
}

void ServiceHost::Heal() {
  const TimeNs now = environment_.clock.Monotonic();
  if (now < next_heal_) return;
  for (ServedProjection* projection : all_) {
    const absl::Status status = projection->HealIfNeeded();
    if (status.ok()) continue;
    next_heal_ = now + kHealPause;
    if (options_.note) {
      options_.note("projection " + std::string(projection->projection().name()) +
                    " cannot be healed: " + std::string(status.message()));
    }
  }
}

ServedProjection* ServiceHost::FindProjection(std::string_view name) {
  for (ServedProjection* projection : all_) {
    if (projection->projection().name() == name) return projection;
  }
  return nullptr;
}

LaneRunner::Counts ServiceHost::lane_counts() const {
  const auto serving = core_->serving();
  if (serving == nullptr) return {};
  return static_cast<CoreDriver&>(*serving->driver).lanes.counts();
}

DeadLetterCounts ServiceHost::dead_letters() const {
  const auto serving = core_->serving();
  if (serving == nullptr) return {};
  // What cannot be read is the healer's; here these are numbers for people.
  return CountDeadLetters(*serving->store).value_or(DeadLetterCounts{});
}

bool ServiceHost::open(Partition partition) const {
  const auto serving = core_->serving();
  return serving != nullptr && static_cast<CoreDriver&>(*serving->driver).lanes.open(partition);
}

Offset ServiceHost::fence(Partition partition) const {
  const auto serving = core_->serving();
  return serving == nullptr ? kNoOffset
                            : static_cast<CoreDriver&>(*serving->driver).lanes.fence(partition);
}

int64_t ServiceHost::void_records(Partition partition) const {
  const auto serving = core_->serving();
  return serving == nullptr
             ? 0
             : static_cast<CoreDriver&>(*serving->driver).lanes.void_records(partition);
}

// --- RPCs

const Message& ServiceHost::RequestOf(const std::string& method) const {
  const auto* descriptor = definition_.rpc->FindMethodByName(method);
  CRM_CHECK(descriptor != nullptr);
  return *google::protobuf::MessageFactory::generated_factory()->GetPrototype(
      descriptor->input_type());
}

const Message& ServiceHost::ResponseOf(const std::string& method) const {
  const auto* descriptor = definition_.rpc->FindMethodByName(method);
  CRM_CHECK(descriptor != nullptr);
  return *google::protobuf::MessageFactory::generated_factory()->GetPrototype(
      descriptor->output_type());
}

void ServiceHost::Register(RpcServer& server) {
  server.AddService(definition_.rpc);
  for (const CommandMethod& method : definition_.commands) {
    UnaryHandler handler = CommandHandler(method, RequestOf(method.method));
    handler = method.for_unknown_tenants ? Guarded(std::move(handler)) : Gated(std::move(handler));
    command_handlers_[method.method] = handler;
    server.AddUnary(definition_.rpc, method.method, std::move(handler));
  }
  for (const QueryMethod& method : definition_.queries) {
    server.AddUnary(definition_.rpc, method.method, Gated(QueryHandler(method)));
  }
  for (const ResourceMethods& methods : definition_.resources) {
    if (!methods.get.empty()) {
      server.AddUnary(definition_.rpc, methods.get, Gated(GetHandler(methods)));
    }
    if (!methods.batch_get.empty()) {
      server.AddUnary(definition_.rpc, methods.batch_get, Gated(BatchGetHandler(methods)));
    }
    if (!methods.list_revisions.empty()) {
      server.AddUnary(definition_.rpc, methods.list_revisions, Gated(RevisionsHandler(methods)));
    }
  }
  for (const auto& [stream, command] : definition_.batches) {
    server.AddBatch(definition_.rpc, stream, command_handlers_.at(command));
  }
}

UnaryHandler ServiceHost::OperationHandler(const std::string& method) {
  if (method == "CancelOperation") {
    return Gated(CommandHandler(cancel_operation_,
                                google::longrunning::CancelOperationRequest::default_instance()));
  }
  return Gated([calls = operation_calls_.get(), method](std::unique_ptr<UnaryCall> call) {
    if (method == "ListOperations") return calls->List(std::move(call));
    if (method == "WaitOperation") return calls->Wait(std::move(call));
    calls->Get(std::move(call));
  });
}

void ServiceHost::MakeOperationCalls() {
  if (!definition_.operations.has_value()) return;
  operation_calls_ = std::make_unique<OperationCalls>(
      OperationCalls::Of{*definition_.operations, *core_, waits_, tokens_, environment_.queries,
                         environment_.secret, environment_.random, environment_.clock,
                         [this](absl::Status status) { return Translate(std::move(status)); }});
  // Of another service's path, as it is passed on to the operation's owner.
  cancel_operation_.method = "/google.longrunning.Operations/CancelOperation";
  cancel_operation_.prepare =
      [&operations = *definition_.operations](
          const CommandContext& context,
          const Message& request) -> absl::StatusOr<std::unique_ptr<Command>> {
    const auto& cancel = static_cast<const google::longrunning::CancelOperationRequest&>(request);
    CRM_RETURN_IF_ERROR(CheckResourceName(operations.pattern, cancel.name()));
    return operations.cancel(context, request);
  };
  cancel_operation_.render = [](Outcome&&) { return std::string(); };
}

UnaryHandler ServiceHost::Gated(UnaryHandler handler) {
  if (options_.accept_unknown_tenants) return Guarded(std::move(handler));
  return Guarded(gate_->Guard(std::move(handler)));
}

UnaryHandler ServiceHost::Guarded(UnaryHandler handler) {
  return [this, handler = std::move(handler)](std::unique_ptr<UnaryCall> call) {
    if (withdrawn_) [[unlikely]] {
      MutexLock lock(withdrawn_mutex_);
      const absl::Status why = withdrawn_why_;
      lock.Unlock();
      return call->Finish(why);
    }
    handler(std::move(call));
  };
}

void ServiceHost::Withdraw(const absl::Status& why) {
  MutexLock lock(withdrawn_mutex_);
  withdrawn_why_ = Error(absl::StatusCode::kUnavailable, ReasonOf(why), std::string(why.message()));
  withdrawn_ = true;
}

// Descriptors of what every command's request has, looked up once.
struct ServiceHost::CommandEndpoint {
  CommandEndpoint(const CommandMethod& command, const Message& type)
      : method(command), request(type) {}

  const CommandMethod& method;
  const Message& request;
  const FieldDescriptor* const request_id = request.GetDescriptor()->FindFieldByName("request_id");
  const FieldDescriptor* const validate_only =
      request.GetDescriptor()->FindFieldByName("validate_only");
};

// A request that was parsed, and what its field rules say against it.
struct ServiceHost::CheckedRequest {
  std::unique_ptr<Message> message;
  FieldFaults faults;
};

UnaryHandler ServiceHost::CommandHandler(const CommandMethod& method, const Message& request) {
  auto endpoint = std::make_shared<const CommandEndpoint>(method, request);
  return
      [this, endpoint](std::unique_ptr<UnaryCall> call) { RunCommand(*endpoint, std::move(call)); };
}

void ServiceHost::RunCommand(const CommandEndpoint& endpoint, Call call) {
  const auto request = std::make_shared<CheckedRequest>();
  request->message.reset(endpoint.request.New());
  if (absl::Status status =
          ParseAndValidate(call->request(), request->message.get(), &request->faults);
      !status.ok()) {
    return call->Finish(std::move(status));
  }
  const CallContext& context = call->context();
  const bool waits = !context.min_positions.empty() || context.strong;
  if (!waits || definition_.tenants.empty()) return PrepareAndSubmit(endpoint, call, request);
  // What the call asks to be read holds for the settings it is prepared with, too.
  const Partition partition =
      PartitionOfSubject(context.caller.tenant, SettingsName(context.caller.tenant));
  waits_.After(call, {{core_.get()}, {partition}, context.strong, {}},
               [this, &endpoint, call, request] { PrepareAndSubmit(endpoint, call, request); });
}

std::string ServiceHost::SettingsName(const std::string& tenant) const {
  return definition_.tenants + "/" + tenant;
}

absl::StatusOr<std::string> ServiceHost::SettingsOf(const std::string& tenant) {
  if (definition_.tenants.empty()) return "";
  const auto serving = core_->serving();
  if (serving == nullptr) return Healing();
  const std::string name = SettingsName(tenant);
  auto row = serving->store->Get(AggregateKey(PartitionOfSubject(tenant, name), tenant, name));
  if (!row.ok()) return Translate(row.status());
  return row->has_value() ? std::string(ResourceOfRow(**row)) : "";
}

std::string ServiceHost::FollowTo(const absl::Status& refusal, const std::string& tenant,
                                  const std::string& subject) const {
  std::string moved_to = MovedTo(refusal);
  if (!moved_to.empty() || ReasonOf(refusal) != "NOT_OWNER") return moved_to;
  // So that the call goes to the owner of what it is about at once: it is passed on only once.
  const auto serving = core_->serving();
  return serving == nullptr ? "" : AliasTarget(*serving->store, definition_, tenant, subject);
}

void ServiceHost::PrepareAndSubmit(const CommandEndpoint& endpoint, const Call& call,
                                   const std::shared_ptr<const CheckedRequest>& checked,
                                   const std::string& moved_to) {
  const Message& request = *checked->message;
  const CallContext& context = call->context();
  const absl::StatusOr<std::string> settings = SettingsOf(context.caller.tenant);
  if (!settings.ok()) return call->Finish(settings.status());
  const auto serving = core_->serving();
  absl::StatusOr<std::unique_ptr<Command>> prepared =
      endpoint.method.prepare({context.caller, names_, *settings, environment_.clock.Now(),
                               serving == nullptr ? nullptr : serving->store.get()},
                              request);
  if (!checked->faults.empty()) return call->Finish(JoinFaults(checked->faults, prepared.status()));
  if (!prepared.ok()) return call->Finish(prepared.status());
  Command& command = **prepared;
  command.caller = context.caller;
  if (!moved_to.empty()) Retarget(moved_to, &command);
  command.request_id = StringOf(request, endpoint.request_id);
  command.validate_only = BoolOf(request, endpoint.validate_only);
  command.deadline = context.deadline;
  if (!command.request_id.empty() && !endpoint.method.known_by_request_id) {
    command.payload_hmac =
        environment_.secret.Mac("crm payload", {endpoint.method.method, CanonicalPayload(request)})
            .substr(0, 16);
  }
  command.done = [this, call, &endpoint, checked, subject = command.subject,
                  followed = !moved_to.empty()](absl::StatusOr<Outcome> outcome) {
    const CommandMethod* method = &endpoint.method;
    if (!outcome.ok()) {
      std::string to =
          followed ? "" : FollowTo(outcome.status(), call->context().caller.tenant, subject);
      if (to.empty()) return passing_->Answer(call, method->method, outcome.status());
      return RunQuery(call, [this, call, &endpoint, checked, to = std::move(to)] {
        PrepareAndSubmit(endpoint, call, checked, to);
      });
    }
    Answer answer;
    answer.position = tokens_.Make(outcome->partition, outcome->position);
    answer.would_record = std::move(outcome->would_record);
    answer.response = method->render(*std::move(outcome));
    call->Finish(std::move(answer));
  };
  if (context.min_positions.empty() && !context.strong) return Submit(*std::move(prepared));
  const Partition partition = PartitionOfSubject(context.caller.tenant, command.subject);
  const auto held = std::make_shared<std::unique_ptr<Command>>(*std::move(prepared));
  waits_.After(call, {{core_.get()}, {partition}, context.strong, {}},
               [this, held] { Submit(std::move(*held)); });
}

void ServiceHost::Submit(std::unique_ptr<Command> command) {
  if (quiesced_) {
    return command->done(RetryLater(absl::StatusCode::kUnavailable, "QUIESCED",
                                    "the process takes no commands for now; retry later", 1000));
  }
  const auto serving = core_->serving();
  if (serving == nullptr) return command->done(Healing());
  static_cast<CoreDriver&>(*serving->driver).lanes.Submit(std::move(command));
}

UnaryHandler ServiceHost::GetHandler(const ResourceMethods& methods) {
  return [this, &methods,
          named = NamedRequest(RequestOf(methods.get))](std::unique_ptr<UnaryCall> unary) {
    const Call call = std::move(unary);
    const std::unique_ptr<Message> request(named.type.New());
    absl::StatusOr<ResourceRef> ref = ParseNamed(*call, methods.pattern, named, request.get());
    if (!ref.ok()) return call->Finish(ref.status());
    const LeftOut* left_out = named.WantsBasic(*request) ? &methods.not_in_basic : nullptr;
    if (const common::v1::AsOf* as_of = AsOfOf(*request, named.as_of)) {
      return GetAt(call, *methods.type, *std::move(ref), left_out, *as_of);
    }
    const CallContext& context = call->context();
    if (context.min_positions.empty() && !context.strong) return AnswerGet(call, *ref, left_out);
    const Partition partition = ref->partition;
    waits_.After(
        call, {{core_.get()}, {partition}, context.strong, {}},
        [this, call, left_out, waiting = *std::move(ref)] { AnswerGet(call, waiting, left_out); });
  };
}

void ServiceHost::AnswerGet(const Call& call, const ResourceRef& ref, const LeftOut* left_out) {
  AnswerFromCore(call, ref.partition, [&](const RowReader& core) {
    auto resource = ReadResource(core, ref, MayBeMarked(core, ref.partition));
    if (resource.ok() && left_out != nullptr) *resource = WithoutFields(*resource, *left_out);
    return resource;
  });
}

UnaryHandler ServiceHost::BatchGetHandler(const ResourceMethods& methods) {
  return [this, &methods,
          named = NamedRequest(RequestOf(methods.batch_get))](std::unique_ptr<UnaryCall> unary) {
    const Call call = std::move(unary);
    const std::unique_ptr<Message> request(named.type.New());
    auto refs = ParseNames(*call, methods.pattern, named, request.get());
    if (!refs.ok()) return call->Finish(refs.status());
    const LeftOut left_out = named.WantsBasic(*request) ? methods.not_in_basic : LeftOut();
    PositionWaits::Wait wait{{core_.get()}, PartitionsOf(*refs), call->context().strong, {}};
    auto run = [this, call, left_out, refs = *std::move(refs)] {
      AnswerBatch(call, refs, left_out);
    };
    waits_.After(call, std::move(wait),
                 [this, call, run = std::move(run)] { RunQuery(call, run); });
  };
}

void ServiceHost::AnswerBatch(const Call& call, const std::vector<ResourceRef>& refs,
                              const LeftOut& left_out) {
  const std::vector<Partition> partitions = PartitionsOf(refs);
  const absl::StatusOr<ServiceReading> reading = Read({core_.get()}, partitions);
  if (!reading.ok()) return call->Finish(reading.status());
  auto response = ReadResources(*reading->core.rows, refs, left_out);
  if (!response.ok()) return call->Finish(Translate(response.status()));
  call->Finish(Answer{*std::move(response), TokenOf(reading->core, partitions)});
}

bool ServiceHost::MayBeMarked(const RowReader& core, Partition partition) {
  // Marks are a function of the log up to a position: what had none there has none while it stands
  // there.
  const Offset at = core_->tracker().Get(partition);
  std::atomic<Offset>& unmarked_at = unmarked_at_[static_cast<size_t>(partition)];
  if (unmarked_at == at) return false;
  const auto any = core.Get(FamilyPrefix(partition, 's'));
  if (!any.ok() || any->has_value()) return true;
  unmarked_at = at;
  return false;
}

absl::StatusOr<Moment> ServiceHost::MomentOf(const common::v1::AsOf& as_of,
                                             Partition partition) const {
  Moment moment;
  if (as_of.has_time()) {
    if (!IsTimestamp(as_of.time())) {
      return InvalidField("as_of.time", "must lie in the years 1 to 9999, with nanos below 10^9");
    }
    moment.time = ToTimeNs(as_of.time());
    if (*moment.time <= environment_.clock.Now()) return moment;
    return InvalidField("as_of.time", "lies in the future");
  }
  if (as_of.moment_case() == common::v1::AsOf::MOMENT_NOT_SET) {
    return InvalidField("as_of", "needs a time or a position");
  }
  const auto targets = tokens_.Open({as_of.position()});
  if (!targets.ok()) return TokenFault(targets.status(), "as_of.position");
  if (const auto own = targets->find(definition_.topic); own != targets->end()) {
    for (const auto& [touched, offset] : own->second) {
      if (touched == partition) moment.offset = offset;
    }
  }
  if (moment.offset.has_value()) return moment;
  return InvalidField("as_of.position", "says nothing of the partition of this resource");
}

void ServiceHost::ReachMoment(const Moment& moment, Partition partition,
                              PositionWaits::Wait* wait) {
  wait->strong = wait->strong || moment.time.has_value();
  if (moment.offset.has_value()) wait->at_least.emplace_back(partition, *moment.offset);
}

void ServiceHost::GetAt(const Call& call, const AggregateType& type, ResourceRef ref,
                        const LeftOut* left_out, const common::v1::AsOf& as_of) {
  absl::StatusOr<Moment> moment = MomentOf(as_of, ref.partition);
  if (!moment.ok()) return call->Finish(moment.status());
  PositionWaits::Wait wait{{core_.get()}, {ref.partition}, call->context().strong, {}};
  ReachMoment(*moment, ref.partition, &wait);
  waits_.After(call, std::move(wait), [this, call, &type, ref, left_out, moment = *moment] {
    RunQuery(call, [this, call, &type, ref, left_out, moment] {
      AnswerFromCore(call, ref.partition, [&](const RowReader& core) {
        auto resource = ReadResourceAt(core, source(), type, ref, moment);
        if (resource.ok() && left_out != nullptr) *resource = WithoutFields(*resource, *left_out);
        return resource;
      });
    });
  });
}

UnaryHandler ServiceHost::RevisionsHandler(const ResourceMethods& methods) {
  return [this, &methods, named = NamedRequest(RequestOf(methods.list_revisions)),
          &response = ResponseOf(methods.list_revisions)](std::unique_ptr<UnaryCall> unary) {
    const Call call = std::move(unary);
    const std::unique_ptr<Message> request(named.type.New());
    absl::StatusOr<ResourceRef> parsed = ParseNamed(*call, methods.pattern, named, request.get());
    if (!parsed.ok()) return call->Finish(parsed.status());
    ResourceRef ref = *std::move(parsed);
    const Partition partition = ref.partition;
    RevisionsPage page{response, IntOf(*request, named.page_size),
                       StringOf(*request, named.page_token), environment_.secret,
                       environment_.random};
    waits_.After(call, {{core_.get()}, {partition}, call->context().strong, {}},
                 [this, call, &methods, ref = std::move(ref), page = std::move(page)] {
                   RunQuery(call, [this, call, &methods, ref, page] {
                     AnswerFromCore(call, ref.partition, [&](const RowReader& core) {
                       return ReadRevisions(core, source(), *methods.type, ref, page);
                     });
                   });
                 });
  };
}

struct ServiceHost::Query {
  const QueryMethod& method;
  std::shared_ptr<Message> request;
  std::vector<ServedProjection*> projections;
  std::vector<Partition> partitions;
  std::optional<Moment> as_of;
  std::string subject;
  // The subject is what the one named is an alias of.
  bool followed = false;
};

UnaryHandler ServiceHost::QueryHandler(const QueryMethod& method) {
  return
      [this, &method, &request_type = RequestOf(method.method)](std::unique_ptr<UnaryCall> unary) {
        const Call call = std::move(unary);
        std::shared_ptr<Message> request(request_type.New());
        if (absl::Status status = ParseAndValidate(call->request(), request.get()); !status.ok()) {
          return call->Finish(std::move(status));
        }
        StartQuery(call, PrepareQuery(call, method, std::move(request)));
      };
}

void ServiceHost::StartQuery(const Call& call, absl::StatusOr<Query> prepared) {
  if (!prepared.ok()) return call->Finish(prepared.status());
  const auto query = std::make_shared<const Query>(*std::move(prepared));
  PositionWaits::Wait wait{query->projections, query->partitions, call->context().strong, {}};
  if (query->as_of.has_value()) ReachMoment(*query->as_of, query->partitions.front(), &wait);
  waits_.After(call, std::move(wait), [this, call, query] {
    RunQuery(call, [this, call, query] { AnswerQuery(call, *query); });
  });
}

absl::StatusOr<ServiceHost::Query> ServiceHost::PrepareQuery(const Call& call,
                                                             const QueryMethod& method,
                                                             std::shared_ptr<Message> request,
                                                             const std::string& moved_to) {
  Query query{method,          std::move(request), ProjectionsOf(method),
              AllPartitions(), std::nullopt,       moved_to};
  if (!method.subject) return query;
  const Caller& caller = call->context().caller;
  query.followed = !moved_to.empty();
  if (!query.followed) {
    CRM_ASSIGN_OR_RETURN(query.subject, method.subject(caller, *query.request, names_));
  }
  query.partitions = {PartitionOfSubject(caller.tenant, query.subject)};
  const FieldDescriptor* as_of_field = query.request->GetDescriptor()->FindFieldByName("as_of");
  if (const common::v1::AsOf* as_of = AsOfOf(*query.request, as_of_field)) {
    CRM_ASSIGN_OR_RETURN(query.as_of, MomentOf(*as_of, query.partitions.front()));
  }
  return query;
}

// The core first: its topic is the one that `as_of` is about.
std::vector<ServedProjection*> ServiceHost::ProjectionsOf(const QueryMethod& method) {
  if (method.views.empty()) return all_;
  std::vector<ServedProjection*> projections = {core_.get()};
  for (const std::string& view : method.views) {
    projections.push_back(FindProjection(view));
    CRM_CHECK(projections.back() != nullptr);
  }
  return projections;
}

absl::StatusOr<ServiceReading> ServiceHost::Read(const std::vector<ServedProjection*>& projections,
                                                 const std::vector<Partition>& partitions) const {
  ServiceReading reading;
  for (ServedProjection* projection : projections) {
    auto serving = projection->serving();
    if (serving == nullptr) return Healing();
    // Positions before rows: what is read is at least this new.
    ProjectionReading rows{serving->store.get(), projection->log().topic(), {}};
    for (const Partition p : partitions) {
      CRM_RETURN_IF_ERROR(projection->tracker().Check(p));
      rows.read_to[static_cast<size_t>(p)] = projection->tracker().Get(p);
    }
    if (projection == core_.get()) reading.core = rows;
    reading.AddView(projection->projection().name(), rows, std::move(serving));
  }
  return reading;
}

std::string ServiceHost::TokenOf(const ProjectionReading& reading,
                                 const std::vector<Partition>& partitions) {
  std::vector<PositionTokens::Part> parts;
  for (const Partition p : partitions) {
    parts.push_back({reading.topic, p, reading.read_to[static_cast<size_t>(p)]});
  }
  return tokens_.Make(parts);
}

std::string ServiceHost::TokenOf(const std::vector<ServedProjection*>& projections,
                                 const std::vector<Partition>& partitions) {
  std::vector<PositionTokens::Part> parts;
  for (const ServedProjection* projection : projections) {
    for (const Partition p : partitions) {
      const PositionTokens::Part part{projection->log().topic(), p, projection->tracker().Get(p)};
      const auto known = std::find_if(parts.begin(), parts.end(), [&part](const auto& each) {
        return each.partition == part.partition && each.topic == part.topic;
      });
      if (known == parts.end()) {
        parts.push_back(part);
      } else {
        known->offset = std::min(known->offset, part.offset);
      }
    }
  }
  return tokens_.Make(parts);
}

void ServiceHost::AnswerQuery(const Call& call, const Query& query) {
  // Taken before the rows: what is read, in whichever store, is at least this new.
  std::string position = TokenOf(query.projections, query.partitions);
  const absl::StatusOr<ServiceReading> reading = Read(query.projections, query.partitions);
  if (!reading.ok()) return call->Finish(reading.status());
  const QueryContext context{
      call->context().caller,
      names_,
      *reading,
      source(),
      query.as_of,
      environment_.secret,
      environment_.random,
      environment_.clock.Now(),
      [this, &query](const ProjectionReading& one) { return TokenOf(one, query.partitions); },
      query.subject};
  absl::StatusOr<std::string> response = query.method.run(context, *query.request);
  if (std::string to = query.followed ? "" : MovedTo(response.status()); !to.empty()) {
    return StartQuery(call, PrepareQuery(call, query.method, query.request, to));
  }
  if (!response.ok()) return call->Finish(Translate(response.status()));
  call->Finish(Answer{*std::move(response), std::move(position)});
}

void ServiceHost::RunQuery(const Call& call, std::function<void()> query) {
  if (environment_.queries.Add(std::move(query))) return;
  call->Finish(RetryLater(absl::StatusCode::kResourceExhausted, "QUERIES_QUEUED",
                          "too many queries are waiting; retry later", 100));
}

template <typename ReadCore>
void ServiceHost::AnswerFromCore(const Call& call, Partition partition, ReadCore read) {
  const auto serving = core_->serving();
  if (serving == nullptr) return call->Finish(Healing());
  if (absl::Status fault = core_->tracker().Check(partition); !fault.ok()) {
    return call->Finish(std::move(fault));
  }
  // Taken before the read: what is read is at least this new.
  const Offset read_to = core_->tracker().Get(partition);
  absl::StatusOr<std::string> response = read(*serving->store);
  if (!response.ok()) return call->Finish(Translate(response.status()));
  Answer answer;
  answer.response = *std::move(response);
  answer.position = tokens_.Make(partition, read_to);
  call->Finish(std::move(answer));
}

absl::Status ServiceHost::Translate(absl::Status status) {
  const std::string reason = ReasonOf(status);
  if (reason != "STORAGE_DAMAGED" && reason != "ROW_UNREADABLE") return status;
  // Which store the row lies in does not show here; each is checked.
  for (ServedProjection* projection : all_) projection->ReportDamage();
  return Healing();
}

}  // namespace crm
