#include "common/service/service_host.h"

#include <algorithm>
#include <limits>
#include <thread>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/dead_letters.h"
#include "common/base/check.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"
#include "common/projection/tail_runner.h"
#include "common/rpc/validate.h"
#include "common/service/resource_reads.h"
#include "crm/common/v1/position.pb.h"

namespace crm {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr TimeNs kHealPause = 10 * kSecond;
// A read that waits for a position answers this long before its caller gives up.
constexpr TimeNs kAnswerMargin = 20 * kMillisecond;
constexpr TimeNs kLongestWait = 10 * kSecond;

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

 private:
  const FieldDescriptor* Find(const char* field) const {
    return type.GetDescriptor()->FindFieldByName(field);
  }
};

// A token of this deployment may still be refused: OUT_OF_RANGE names its own remedy.
absl::Status TokenFault(const absl::Status& status, const char* field) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return status;
  return InvalidField(field, "must be a position as answered in crm-position");
}

// Parses the request of a method that names one resource.
absl::StatusOr<ResourceRef> ParseNamed(const UnaryCall& call, std::string_view collection,
                                       const NamedRequest& named, Message* request) {
  CRM_RETURN_IF_ERROR(ParseAndValidate(call.request(), request));
  ResourceRef ref;
  ref.name = StringOf(*request, named.name);
  CRM_RETURN_IF_ERROR(CheckResourceName(collection, ref.name));
  ref.tenant = call.context().caller.tenant;
  ref.partition = PartitionOfSubject(ref.tenant, SubjectOf(ref.name));
  return ref;
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

absl::Status Behind(const PositionTracker& tracker, const PositionTracker::Targets& targets) {
  Offset lag = 0;
  for (const auto& [partition, offset] : targets) {
    lag = std::max(lag, offset - tracker.Get(partition));
  }
  return Error(
      absl::StatusCode::kUnavailable, "NOT_CAUGHT_UP",
      "the projection is " + std::to_string(lag) + " records behind the position asked for; retry",
      {{"records_behind", std::to_string(lag)}});
}

}  // namespace

// --- what drives a store

class ServiceHost::CoreDriver final : public ProjectionDriver {
 public:
  CoreDriver(ServiceHost& host, Store& store, std::function<void(absl::Status)> failed)
      : lanes({host.options_.owner, host.options_.endpoint, host.options_.lane_threads,
               host.options_.max_queued_commands, host.options_.append_took},
              host.log_, host.core_projection_, host.schema_, host.environment_.sealer, store,
              host.core_->tracker(), host.environment_.clock, host.environment_.random,
              std::move(failed)) {}
  absl::Status Start() override { return lanes.Start(); }
  void Stop() override { lanes.Stop(); }

  LaneRunner lanes;
};

class ServiceHost::ViewDriver final : public ProjectionDriver {
 public:
  ViewDriver(ServiceHost& host, const Projection& projection, PositionTracker& tracker,
             Store& store, std::function<void(absl::Status)> failed)
      : tail_(host.log_, projection, host.source(), store, tracker, std::move(failed)) {}
  absl::Status Start() override { return tail_.Start(); }
  void Stop() override { tail_.Stop(); }

 private:
  TailRunner tail_;
};

ServiceHost::ServiceHost(ServiceDefinition definition, Log& log, HostEnvironment environment,
                         HostOptions options)
    : definition_(std::move(definition)),
      log_(log),
      environment_(environment),
      options_(std::move(options)),
      names_(environment_.secret, environment_.random, definition_.name),
      schema_(*definition_.record),
      core_projection_(TypesOf(definition_), definition_.core_version),
      tokens_(environment_.secret, environment_.random, definition_.topic, log.identity()) {
  for (std::atomic<Offset>& at : unmarked_at_) at = kNoOffset;
  const auto store_of = [this](const Projection& projection) {
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
    return ProjectionStore(std::move(store), log_, projection, source());
  };
  trackers_.push_back(std::make_unique<PositionTracker>());
  core_ = std::make_unique<ServedProjection>(
      store_of(core_projection_), core_projection_, *trackers_.back(),
      [this](Store& store, std::function<void(absl::Status)> failed) {
        return std::make_unique<CoreDriver>(*this, store, std::move(failed));
      });
  all_.push_back(core_.get());
  for (const auto& view : definition_.views) {
    trackers_.push_back(std::make_unique<PositionTracker>());
    PositionTracker& tracker = *trackers_.back();
    views_.push_back(std::make_unique<ServedProjection>(
        store_of(*view), *view, tracker,
        [this, &view = *view, &tracker](Store& store, std::function<void(absl::Status)> failed) {
          return std::make_unique<ViewDriver>(*this, view, tracker, store, std::move(failed));
        }));
    all_.push_back(views_.back().get());
  }
}

ServiceHost::~ServiceHost() {
  Stop();
}

absl::Status ServiceHost::Start() {
  // Side by side: each may replay what it had not written to files, or be built anew.
  std::vector<absl::Status> started(all_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < all_.size(); ++i) {
    threads.emplace_back([this, i, &started] { started[i] = all_[i]->Start(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : started) CRM_RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

bool ServiceHost::serving() const {
  return std::all_of(all_.begin(), all_.end(),
                     [](ServedProjection* each) { return each->serving() != nullptr; });
}

bool ServiceHost::WaitOpen(TimeNs deadline) {
  const auto serving = core_->serving();
  return serving != nullptr && static_cast<CoreDriver&>(*serving->driver).lanes.WaitOpen(deadline);
}

void ServiceHost::Stop() {
  for (ServedProjection* projection : all_) projection->Stop();
}

void ServiceHost::Tick() {
  const TimeNs now = environment_.clock.Monotonic();
  for (const auto& tracker : trackers_) tracker->Expire(now);
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

int64_t ServiceHost::quarantined_subjects() const {
  const auto serving = core_->serving();
  if (serving == nullptr) return 0;
  int64_t count = 0;
  // What cannot be read is the healer's; here it is a number for people.
  (void)VisitDeadLetters(*serving->store, [&count](Partition, const common::v1::DeadLetter&) {
    ++count;
    return true;
  });
  return count;
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
    UnaryHandler handler = CommandHandler(method);
    command_handlers_[method.method] = handler;
    server.AddUnary(definition_.rpc, method.method, std::move(handler));
  }
  for (const QueryMethod& method : definition_.queries) {
    server.AddUnary(definition_.rpc, method.method, QueryHandler(method));
  }
  for (const ResourceMethods& methods : definition_.resources) {
    if (!methods.get.empty()) server.AddUnary(definition_.rpc, methods.get, GetHandler(methods));
    if (!methods.list_revisions.empty()) {
      server.AddUnary(definition_.rpc, methods.list_revisions, RevisionsHandler(methods));
    }
  }
  for (const auto& [stream, command] : definition_.batches) {
    server.AddBatch(definition_.rpc, stream, command_handlers_.at(command));
  }
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

UnaryHandler ServiceHost::CommandHandler(const CommandMethod& method) {
  auto endpoint = std::make_shared<const CommandEndpoint>(method, RequestOf(method.method));
  return
      [this, endpoint](std::unique_ptr<UnaryCall> call) { RunCommand(*endpoint, std::move(call)); };
}

void ServiceHost::RunCommand(const CommandEndpoint& endpoint, Call call) {
  const std::unique_ptr<Message> request(endpoint.request.New());
  if (absl::Status status = ParseAndValidate(call->request(), request.get()); !status.ok()) {
    return call->Finish(std::move(status));
  }
  const CallContext& context = call->context();
  absl::StatusOr<std::unique_ptr<Command>> prepared =
      endpoint.method.prepare(context.caller, *request, names_);
  if (!prepared.ok()) return call->Finish(prepared.status());
  Command& command = **prepared;
  command.caller = context.caller;
  command.request_id = StringOf(*request, endpoint.request_id);
  command.validate_only = BoolOf(*request, endpoint.validate_only);
  command.deadline = context.deadline;
  if (!command.request_id.empty()) {
    command.payload_hmac =
        environment_.secret.Mac("crm payload", {endpoint.method.method, CanonicalPayload(*request)})
            .substr(0, 16);
  }
  command.done = [this, call, render = &endpoint.method.render](absl::StatusOr<Outcome> outcome) {
    if (!outcome.ok()) return call->Finish(outcome.status());
    Answer answer;
    answer.position = tokens_.Make(outcome->partition, outcome->position);
    answer.response = (*render)(*std::move(outcome));
    call->Finish(std::move(answer));
  };
  if (context.min_positions.empty() && !context.strong) return Submit(*std::move(prepared));
  const Partition partition = PartitionOfSubject(context.caller.tenant, command.subject);
  const auto held = std::make_shared<std::unique_ptr<Command>>(*std::move(prepared));
  AfterPositions(call, {{core_.get()}, {partition}, context.strong, {}},
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
    absl::StatusOr<ResourceRef> ref = ParseNamed(*call, methods.collection, named, request.get());
    if (!ref.ok()) return call->Finish(ref.status());
    if (const common::v1::AsOf* as_of = AsOfOf(*request, named.as_of)) {
      return GetAt(call, methods, *std::move(ref), *as_of);
    }
    const CallContext& context = call->context();
    if (context.min_positions.empty() && !context.strong) return AnswerGet(call, *ref);
    const Partition partition = ref->partition;
    AfterPositions(call, {{core_.get()}, {partition}, context.strong, {}},
                   [this, call, waiting = *std::move(ref)] { AnswerGet(call, waiting); });
  };
}

void ServiceHost::AnswerGet(const Call& call, const ResourceRef& ref) {
  AnswerRead(call, {core_.get()}, {ref.partition}, [&](const RowReader& core) {
    return ReadResource(core, ref, MayBeMarked(core, ref.partition));
  });
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
  for (const auto& [touched, offset] : *targets) {
    if (touched == partition) moment.offset = offset;
  }
  if (moment.offset.has_value()) return moment;
  return InvalidField("as_of.position", "says nothing of the partition of this resource");
}

void ServiceHost::GetAt(const Call& call, const ResourceMethods& methods, ResourceRef ref,
                        const common::v1::AsOf& as_of) {
  absl::StatusOr<Moment> moment = MomentOf(as_of, ref.partition);
  if (!moment.ok()) return call->Finish(moment.status());
  // What was recorded by then must have been read: strong for a time, up to itself for a position.
  Wait wait{{core_.get()}, {ref.partition}, call->context().strong || moment->time.has_value(), {}};
  if (moment->offset.has_value()) wait.at_least.emplace_back(ref.partition, *moment->offset);
  AfterPositions(call, std::move(wait), [this, call, &methods, ref, moment = *moment] {
    RunQuery(call, [this, call, &methods, ref, moment] {
      AnswerRead(call, {core_.get()}, {ref.partition}, [&](const RowReader& core) {
        return ReadResourceAt(core, source(), *methods.type, ref, moment);
      });
    });
  });
}

UnaryHandler ServiceHost::RevisionsHandler(const ResourceMethods& methods) {
  return [this, &methods, named = NamedRequest(RequestOf(methods.list_revisions)),
          &response = ResponseOf(methods.list_revisions)](std::unique_ptr<UnaryCall> unary) {
    const Call call = std::move(unary);
    const std::unique_ptr<Message> request(named.type.New());
    absl::StatusOr<ResourceRef> parsed =
        ParseNamed(*call, methods.collection, named, request.get());
    if (!parsed.ok()) return call->Finish(parsed.status());
    ResourceRef ref = *std::move(parsed);
    const Partition partition = ref.partition;
    RevisionsPage page{response, IntOf(*request, named.page_size),
                       StringOf(*request, named.page_token), environment_.secret,
                       environment_.random};
    AfterPositions(call, {{core_.get()}, {partition}, call->context().strong, {}},
                   [this, call, &methods, ref = std::move(ref), page = std::move(page)] {
                     RunQuery(call, [this, call, &methods, ref, page] {
                       AnswerRead(call, {core_.get()}, {ref.partition}, [&](const RowReader& core) {
                         return ReadRevisions(core, source(), *methods.type, ref, page);
                       });
                     });
                   });
  };
}

UnaryHandler ServiceHost::QueryHandler(const QueryMethod& method) {
  return [this, &method,
          &request_type = RequestOf(method.method)](std::unique_ptr<UnaryCall> unary) {
    const Call call = std::move(unary);
    const std::shared_ptr<Message> request(request_type.New());
    if (absl::Status status = ParseAndValidate(call->request(), request.get()); !status.ok()) {
      return call->Finish(std::move(status));
    }
    AfterPositions(
        call, {all_, AllPartitions(), call->context().strong, {}}, [this, call, &method, request] {
          RunQuery(call, [this, call, &method, request] { AnswerQuery(call, method, *request); });
        });
  };
}

void ServiceHost::AnswerQuery(const Call& call, const QueryMethod& method, const Message& request) {
  std::vector<std::shared_ptr<ServedProjection::Serving>> held;
  absl::flat_hash_map<std::string, const RowReader*> views;
  for (const auto& view : views_) {
    held.push_back(view->serving());
    if (held.back() == nullptr) return call->Finish(Healing());
    views[std::string(view->projection().name())] = held.back()->store.get();
  }
  AnswerRead(call, all_, AllPartitions(), [&](const RowReader& core) {
    return method.run(
        {call->context().caller, core, views, environment_.secret, environment_.random}, request);
  });
}

void ServiceHost::RunQuery(const Call& call, std::function<void()> query) {
  if (environment_.queries.Add(std::move(query))) return;
  call->Finish(RetryLater(absl::StatusCode::kResourceExhausted, "QUERIES_QUEUED",
                          "too many queries are waiting; retry later", 100));
}

template <typename Read>
void ServiceHost::AnswerRead(const Call& call, const std::vector<ServedProjection*>& projections,
                             const std::vector<Partition>& partitions, Read read) {
  const auto serving = core_->serving();
  if (serving == nullptr) return call->Finish(Healing());
  // Taken before the read: what is read, in whichever store, is at least this new.
  PositionTokens::Targets positions;
  for (const Partition p : partitions) {
    Offset read_to = std::numeric_limits<Offset>::max();
    for (ServedProjection* projection : projections) {
      read_to = std::min(read_to, projection->tracker().Get(p));
    }
    positions.emplace_back(p, read_to);
  }
  absl::StatusOr<std::string> response = read(*serving->store);
  if (!response.ok()) return call->Finish(Translate(response.status()));
  Answer answer;
  answer.response = *std::move(response);
  answer.position = positions.size() == 1
                        ? tokens_.Make(positions.front().first, positions.front().second)
                        : tokens_.Make(positions);
  call->Finish(std::move(answer));
}

absl::Status ServiceHost::Translate(absl::Status status) {
  const std::string reason = ReasonOf(status);
  if (reason != "STORAGE_DAMAGED" && reason != "ROW_UNREADABLE") return status;
  // Which store the row lies in does not show here; each is checked.
  for (ServedProjection* projection : all_) projection->ReportDamage();
  return Healing();
}

void ServiceHost::AfterPositions(const Call& call, Wait wait, std::function<void()> go_on) {
  absl::StatusOr<PositionTokens::Targets> asked = tokens_.Open(call->context().min_positions);
  if (!asked.ok()) return call->Finish(TokenFault(asked.status(), "metadata crm-min-position"));
  PositionTracker::Targets targets = std::move(wait.at_least);
  for (const auto& target : *asked) {
    if (std::find(wait.partitions.begin(), wait.partitions.end(), target.first) !=
        wait.partitions.end()) {
      targets.push_back(target);
    }
  }
  if (wait.strong) {
    return ReadEnds(call, std::move(wait), std::move(targets), std::move(go_on));
  }
  if (targets.empty()) return go_on();
  WaitFor(call, std::move(wait), std::move(targets), std::move(go_on));
}

void ServiceHost::ReadEnds(const Call& call, Wait wait, PositionTracker::Targets targets,
                           std::function<void()> go_on) {
  struct Ends {
    Mutex mutex;
    PositionTracker::Targets targets;
    size_t left;
    absl::Status failure;
  };
  auto ends = std::make_shared<Ends>();
  ends->targets = std::move(targets);
  ends->left = wait.partitions.size();
  auto next = std::make_shared<std::function<void()>>(std::move(go_on));
  for (const Partition p : std::vector<Partition>(wait.partitions)) {
    log_.ReadEnd(p, [this, call, wait, ends, next, p](absl::StatusOr<Offset> end) {
      {
        MutexLock lock(ends->mutex);
        if (end.ok()) {
          ends->targets.emplace_back(p, *end);
        } else {
          ends->failure = end.status();
        }
        if (--ends->left > 0) return;
      }
      if (!ends->failure.ok()) return call->Finish(ends->failure);
      WaitFor(call, wait, std::move(ends->targets), std::move(*next));
    });
  }
}

void ServiceHost::WaitFor(const Call& call, const Wait& wait, PositionTracker::Targets targets,
                          std::function<void()> go_on) {
  const TimeNs now = environment_.clock.Monotonic();
  const TimeNs deadline = std::min(call->context().deadline - kAnswerMargin, now + kLongestWait);
  auto left = std::make_shared<std::atomic<size_t>>(wait.projections.size());
  auto late = std::make_shared<std::atomic<bool>>(false);
  auto next = std::make_shared<std::function<void()>>(std::move(go_on));
  for (ServedProjection* projection : wait.projections) {
    projection->tracker().WhenReached(targets, deadline,
                                      [call, targets, left, late, next, projection](bool reached) {
                                        if (!reached && !late->exchange(true)) {
                                          call->Finish(Behind(projection->tracker(), targets));
                                        }
                                        if (left->fetch_sub(1) == 1 && !*late) (*next)();
                                      });
  }
}

}  // namespace crm
