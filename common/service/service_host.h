#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/aggregate/dead_letters.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/log/log_engine.h"
#include "common/rpc/server.h"
#include "common/service/command_passing.h"
#include "common/service/lane_runner.h"
#include "common/service/position_tokens.h"
#include "common/service/position_waits.h"
#include "common/service/reaction_runner.h"
#include "common/service/resource_reads.h"
#include "common/service/served_projection.h"
#include "common/service/service_definition.h"
#include "common/service/tenant_gate.h"
#include "common/service/work_queue.h"
#include "crm/common/v1/position.pb.h"

namespace crm {

class OperationCalls;
class ReactionSide;

// What a host shares with the rest of the process; outlives it.
struct HostEnvironment {
  const Clock& clock;
  Random& random;
  const Secret& secret;
  Sealer& sealer;
  StorageBudget& budget;
  // Queries that take longer than a point read run here.
  WorkQueue& queries;
  // Passes commands on to the owners of their partitions; null where no other process can own one.
  Forwarder* forwarder = nullptr;
};

struct HostOptions {
  // Holds <service>/<projection>-<version>.
  std::string data_directory;
  // Calls for tenants that nothing is known of are taken (TenantGate).
  bool accept_unknown_tenants = false;
  std::string owner;
  // Where other processes pass commands on to.
  std::string endpoint;
  // Other processes append to the log too (LogEngine::shared).
  bool shared_log = false;
  // Who should own which partitions of the service's topic; null where this process owns them all.
  // The host starts and stops it.
  std::shared_ptr<OwnershipHints> hints;
  // Told once when another process took this instance's name; this one must leave. Thread-safe.
  std::function<void()> replaced;
  int lane_threads = 1;
  size_t max_queued_commands = 4096;
  int64_t rebuild_buffer_bytes = 128 << 20;
  // Told how long each append took to be confirmed. Thread-safe.
  std::function<void(TimeNs)> append_took;
  // Told in a sentence what the host does by itself (rebuilds, heals). Thread-safe.
  std::function<void(const std::string&)> note;
  // Told while a rebuild runs at start.
  std::function<bool(const std::string& projection, const RebuildProgress&)> progress;
};

// Runs one service over a log: its lanes, projections and RPCs. Everything that is the same for
// every service is here: routing, idempotency, etag, validate_only, positions, strong and past
// reads, paging of revisions. Thread-safe once started.
class ServiceHost {
 public:
  ServiceHost(ServiceDefinition definition, const LogOfTopic& log_of, HostEnvironment environment,
              HostOptions options);
  ~ServiceHost();

  // Registers the service's RPCs; before Start.
  void Register(RpcServer& server);

  // Of google.longrunning.Operations ("GetOperation"), for the service's own operations.
  UnaryHandler OperationHandler(const std::string& method);

  // Before Start, where the address was not known when the host was made: see HostOptions.
  void Advertise(std::string endpoint) { options_.endpoint = std::move(endpoint); }
  // Opens or builds the projections and claims the partitions that are hinted. Blocks while it
  // builds.
  absl::Status Start();
  // Every projection can be read now; false while one is healed or cannot be, and where the log of
  // a partition has a fault.
  bool serving() const;
  // The first fault of a partition's log, as its callers see it; OK where there is none.
  absl::Status Fault() const;
  // False at the deadline: not every partition takes commands yet. With hints there is nothing to
  // wait for: a replica that owns nothing serves reads.
  bool WaitOpen(TimeNs deadline);
  // On a shared log: hands owned partitions over to other live instances while reads and commands
  // are still answered (commands by who owns the partition then). Takes a second at most.
  void HandOver();
  // Answers what was accepted, hands owned partitions over to other live instances, then ends the
  // host's threads.
  void Stop();

  // Now and then, from one thread: ends waits whose deadline has passed.
  void Tick();
  // Now and then, from another: rebuilds projections that were found damaged. Takes as long as that
  // takes.
  void Heal();

  // While on, commands answer UNAVAILABLE.
  void Quiesce(bool on) { quiesced_ = on; }
  bool quiesced() const { return quiesced_; }
  // The log is not to be trusted: until Restore every call answers UNAVAILABLE with this reason and
  // message.
  void Withdraw(const absl::Status& why);
  void Restore() { withdrawn_ = false; }

  const ServiceDefinition& definition() const { return definition_; }
  // Of its own topic.
  Log& log() { return log_; }
  EventSource source() { return {schema_, environment_.sealer}; }
  // The core first, then the views.
  const std::vector<ServedProjection*>& projections() const { return all_; }
  ServedProjection* FindProjection(std::string_view name);
  // Zero while the core is being healed.
  LaneRunner::Counts lane_counts() const;
  // None while the core is being healed.
  DeadLetterCounts dead_letters() const;
  bool open(Partition partition) const;
  Offset fence(Partition partition) const;
  // Passed over as void since the lanes started.
  int64_t void_records(Partition partition) const;
  // Null where the service has no reactions.
  const ReactionRunner* reactions() const { return reactions_.get(); }

 private:
  using Call = std::shared_ptr<UnaryCall>;
  struct CommandEndpoint;
  struct CheckedRequest;

  // Keeps the latest hint, for lanes that are made later, too.
  void TakeHint(const OwnershipHints::Mine& mine);
  // The lanes that are served now; null: none.
  void ServeLanes(LaneRunner* lanes);
  void ReportFolded();

  // Another topic that views fold.
  struct ForeignTopic {
    Log& log;
    EventSchema schema;
  };

  std::unique_ptr<ServedProjection> MakeServed(const Projection& projection, Log& log,
                                               EventSource source,
                                               ServedProjection::MakeDriver driver);
  std::unique_ptr<ProjectionDriver> MakeCoreDriver(Store& store,
                                                   std::function<void(absl::Status)> failed);
  void AddView(const ViewDefinition& view, const LogOfTopic& log_of);
  void ServeView(const Projection& projection, Log& log, EventSource events);

  void MakeOperationCalls();
  UnaryHandler CommandHandler(const CommandMethod& method,
                              const google::protobuf::Message& request);
  UnaryHandler QueryHandler(const QueryMethod& method);
  UnaryHandler GetHandler(const ResourceMethods& methods);
  UnaryHandler BatchGetHandler(const ResourceMethods& methods);
  UnaryHandler RevisionsHandler(const ResourceMethods& methods);

  void RunCommand(const CommandEndpoint& endpoint, Call call);
  // With what it is prepared by read, and on to its lane.
  // `moved_to`: the subject that the one named is an alias of; empty: not known to be any.
  void PrepareAndSubmit(const CommandEndpoint& endpoint, const Call& call,
                        const std::shared_ptr<const CheckedRequest>& checked,
                        const std::string& moved_to = "");
  std::string SettingsName(const std::string& tenant) const;
  // Serialised; empty where the tenant has none, or the service keeps none.
  absl::StatusOr<std::string> SettingsOf(const std::string& tenant);
  void Submit(std::unique_ptr<Command> command);
  // The handler, until Withdraw.
  UnaryHandler Guarded(UnaryHandler handler);
  // The same behind the gate.
  UnaryHandler Gated(UnaryHandler handler);
  // Numbers of the fields that a view does not show; of one resource, null where it shows all.
  using LeftOut = std::vector<uint32_t>;
  void AnswerGet(const Call& call, const ResourceRef& ref, const LeftOut* left_out);
  void AnswerBatch(const Call& call, const std::vector<ResourceRef>& refs, const LeftOut& left_out);
  void GetAt(const Call& call, const AggregateType& type, ResourceRef ref, const LeftOut* left_out,
             const common::v1::AsOf& as_of);
  // Whether any subject of the partition may be marked (quarantined or erased).
  bool MayBeMarked(const RowReader& core, Partition partition);
  absl::StatusOr<Moment> MomentOf(const common::v1::AsOf& as_of, Partition partition) const;
  // Lets the wait reach up to the moment: the log's end for a time, the position itself for one.
  static void ReachMoment(const Moment& moment, Partition partition, PositionWaits::Wait* wait);
  // Runs on the queue for queries.
  void RunQuery(const Call& call, std::function<void()> query);

  // One call of a query method.
  struct Query;
  // Where a command that the lanes refused belongs; empty: the refusal is the answer.
  std::string FollowTo(const absl::Status& refusal, const std::string& tenant,
                       const std::string& subject) const;
  absl::StatusOr<Query> PrepareQuery(const Call& call, const QueryMethod& method,
                                     std::shared_ptr<google::protobuf::Message> request,
                                     const std::string& moved_to = "");
  void StartQuery(const Call& call, absl::StatusOr<Query> prepared);
  void AnswerQuery(const Call& call, const Query& query);
  std::vector<ServedProjection*> ProjectionsOf(const QueryMethod& method);
  // UNAVAILABLE while one of them is being healed.
  absl::StatusOr<ServiceReading> Read(const std::vector<ServedProjection*>& projections,
                                      const std::vector<Partition>& partitions) const;
  // Everything, for reactions; null while a projection is being healed.
  std::shared_ptr<const ServiceReading> ReadAll() const;
  std::string TokenOf(const ProjectionReading& reading, const std::vector<Partition>& partitions);
  // The least that all of them had read, per topic and partition.
  std::string TokenOf(const std::vector<ServedProjection*>& projections,
                      const std::vector<Partition>& partitions);

  // Answers with what `read(core)` reads of the core, and the position the core has reached.
  template <typename ReadCore>
  void AnswerFromCore(const Call& call, Partition partition, ReadCore read);
  // DATA_LOSS of a row: the projections heal, the caller retries.
  absl::Status Translate(absl::Status status);

  const google::protobuf::Message& RequestOf(const std::string& method) const;
  const google::protobuf::Message& ResponseOf(const std::string& method) const;

  const ServiceDefinition definition_;
  Log& log_;
  const HostEnvironment environment_;
  HostOptions options_;
  const NameMaker names_;
  const EventSchema schema_;
  const CoreProjection core_projection_;
  PositionTokens tokens_;
  PositionWaits waits_;
  std::unique_ptr<TenantGate> gate_;
  // By topic.
  std::map<std::string, std::unique_ptr<ForeignTopic>> foreign_topics_;
  std::vector<std::unique_ptr<PositionTracker>> trackers_;
  std::unique_ptr<ServedProjection> core_;
  std::vector<std::unique_ptr<ServedProjection>> views_;
  std::vector<ServedProjection*> all_;
  absl::flat_hash_map<std::string, UnaryHandler> command_handlers_;
  // Null where the service has no operations.
  std::unique_ptr<OperationCalls> operation_calls_;
  CommandMethod cancel_operation_;
  std::atomic<bool> quiesced_{false};
  std::atomic<bool> withdrawn_{false};
  Mutex withdrawn_mutex_;
  absl::Status withdrawn_why_;
  // From Start on.
  std::unique_ptr<CommandPassing> passing_;
  // Per partition, the latest position at which it was seen to have no mark.
  std::array<std::atomic<Offset>, kPartitions> unmarked_at_;
  std::atomic<TimeNs> next_heal_{0};
  TimeNs next_folded_ = 0;
  Mutex hint_mutex_;
  std::optional<OwnershipHints::Mine> hint_;
  LaneRunner* hinted_lanes_ = nullptr;
  bool hinting_ = false;
  // Last: they use everything above.
  std::unique_ptr<ReactionSide> reaction_side_;
  std::unique_ptr<ReactionRunner> reactions_;
};

}  // namespace crm
