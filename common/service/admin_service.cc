#include "common/service/admin_service.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/aggregate/dead_letters.h"
#include "common/base/status.h"
#include "common/projection/batch_rows.h"
#include "common/projection/dump.h"
#include "common/rpc/validate.h"
#include "common/service/dead_letter_list.h"
#include "common/service/log_ends.h"
#include "common/service/log_reading.h"
#include "common/service/reaction_refusals.h"
#include "common/storage/memory_store.h"
#include "crm/admin/v1/admin_service.pb.h"
#include "crm/common/v1/storage.pb.h"

namespace crm {
namespace {

using namespace admin::v1;  // NOLINT: this file is about nothing else

constexpr size_t kRowsPerAnswer = 256;
constexpr int64_t kRecordsPerProgress = 20'000;
constexpr TimeNs kEndsPatience = 2 * kSecond;

// Of a status: an end that cannot be told.
constexpr int64_t kUnknown = -1;

absl::Status NoSuch(const std::string& field, const std::string& known) {
  return InvalidField(field, "is not known here; there are: " + known);
}

absl::Status Healing() {
  return RetryLater(absl::StatusCode::kUnavailable, "PROJECTION_REBUILDING",
                    "the projection is being rebuilt; retry later", 1000);
}

void AddPartitions(ServiceHost& host, const LogEnds& ends, const DeadLetterCounts& letters,
                   ServiceStatus* service) {
  for (Partition p = 0; p < kPartitions; ++p) {
    PartitionStatus* partition = service->add_partitions();
    partition->set_partition(p);
    partition->set_begin_offset(host.log().BeginOffset(p).value_or(kUnknown));
    partition->set_end_offset(ends[static_cast<size_t>(p)].value_or(kUnknown));
    partition->set_fence(host.fence(p));
    partition->set_owned(host.open(p));
    partition->set_void_records(host.void_records(p));
    partition->set_foreign_records(letters.foreign[static_cast<size_t>(p)]);
  }
}

void AddProjection(ServedProjection& projection, const LogEnds& ends, ServiceStatus* service) {
  ProjectionStatus* status = service->add_projections();
  status->set_projection(std::string(projection.projection().name()));
  status->set_version(projection.projection().version());
  status->set_rebuilding(projection.rebuilding());
  bool known = true;
  int64_t lag = 0;
  for (Partition p = 0; p < kPartitions; ++p) {
    const Offset read_to = projection.tracker().Get(p);
    status->add_read_to(read_to);
    const std::optional<Offset>& end = ends[static_cast<size_t>(p)];
    known = known && end.has_value();
    // What was read since then is no lag.
    lag += std::max<Offset>(0, end.value_or(read_to) - read_to);
  }
  status->set_lag(known ? lag : kUnknown);
}

// A log that cannot be reached leaves unknown where it ends, and nothing else.
void AddPositions(ServiceHost& host, ServiceStatus* service) {
  std::map<Log*, LogEnds> ends;
  for (ServedProjection* projection : host.projections()) {
    const auto [known, is_new] = ends.try_emplace(&projection->log());
    if (is_new) known->second = ReadEnds(projection->log(), kEndsPatience);
  }
  const DeadLetterCounts letters = host.dead_letters();
  AddPartitions(host, ends.at(&host.log()), letters, service);
  for (ServedProjection* projection : host.projections()) {
    AddProjection(*projection, ends.at(&projection->log()), service);
  }
  service->mutable_projections(0)->set_quarantined_subjects(letters.quarantined);
}

void AddReactions(const ReactionRunner& reactions, ServiceStatus* service) {
  for (const ReactionRunner::Summary& summary : reactions.Summaries()) {
    ReactionStatus* status = service->add_reactions();
    status->set_reaction(summary.reaction);
    status->set_topic(summary.topic);
    status->set_lag(summary.lag);
    status->set_events(summary.counts.events);
    status->set_commands(summary.counts.commands);
    status->set_refused(summary.counts.refused);
    status->set_retries(summary.counts.retries);
    for (const ReactionStanding& standing : summary.standings) {
      ReactionStatus::Position* position = status->add_positions();
      position->set_partition(standing.partition);
      position->set_source_partition(standing.source);
      position->set_offset(standing.reacted_to);
      position->set_waiting(standing.waiting);
    }
  }
}

// Parses the request of a streaming call.
template <typename Request>
absl::StatusOr<Request> Parse(std::string_view bytes) {
  Request request;
  CRM_RETURN_IF_ERROR(ParseAndValidate(bytes, &request));
  return request;
}

}  // namespace

UnaryHandler AdminService::OnQueue(Unary method) {
  return [this, method](std::unique_ptr<UnaryCall> unary) {
    const std::shared_ptr<UnaryCall> call = std::move(unary);
    const bool taken = work_.Add([this, method, call] {
      absl::StatusOr<std::string> response = (this->*method)(*call);
      if (!response.ok()) return call->Finish(response.status());
      call->Finish(Answer{*std::move(response), ""});
    });
    if (taken) return;
    call->Finish(RetryLater(absl::StatusCode::kResourceExhausted, "QUERIES_QUEUED",
                            "too many queries are waiting; retry later", 100));
  };
}

StreamHandler AdminService::OnThread(Stream method) {
  return [this, method](StreamCall& call) { return Reported((this->*method)(call)); };
}

// The caller learns what was found, and the hosts mend it.
absl::Status AdminService::Reported(absl::Status status) const {
  const std::string reason = ReasonOf(status);
  if (reason != "STORAGE_DAMAGED" && reason != "ROW_UNREADABLE") return status;
  for (ServiceHost* host : hosts_) {
    for (ServedProjection* projection : host->projections()) projection->ReportDamage();
  }
  return status;
}

void AdminService::Register(RpcServer& server) {
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      "crm.admin.v1.AdminService");
  server.AddService(service);
  server.AddUnary(service, "GetStatus", OnQueue(&AdminService::GetStatus));
  server.AddUnary(service, "ListDeadLetters", OnQueue(&AdminService::ListDeadLetters));
  server.AddUnary(service, "ListReactionRefusals", OnQueue(&AdminService::ListReactionRefusals));
  server.AddUnary(service, "Quiesce", OnQueue(&AdminService::Quiesce));
  server.AddStream(service, "RebuildProjection", OnThread(&AdminService::RebuildProjection));
  server.AddStream(service, "DumpProjection", OnThread(&AdminService::DumpProjection));
  server.AddStream(service, "VerifyProjection", OnThread(&AdminService::VerifyProjection));
  server.AddStream(service, "ReadLog", OnThread(&AdminService::ReadLog));
  server.AddStream(service, "VerifyLog", OnThread(&AdminService::VerifyLog));
}

absl::StatusOr<ServiceHost*> AdminService::FindHost(const std::string& service) const {
  std::string known;
  for (ServiceHost* host : hosts_) {
    if (host->definition().name == service) return host;
    known += (known.empty() ? "" : ", ") + host->definition().name;
  }
  return NoSuch("service", known);
}

absl::StatusOr<ServiceHost*> AdminService::FindTopic(const std::string& topic) const {
  std::string known;
  for (ServiceHost* host : hosts_) {
    if (host->definition().topic == topic) return host;
    known += (known.empty() ? "" : ", ") + host->definition().topic;
  }
  return NoSuch("topic", known);
}

absl::StatusOr<ServedProjection*> AdminService::FindProjection(
    const std::string& service, const std::string& projection) const {
  CRM_ASSIGN_OR_RETURN(ServiceHost * host, FindHost(service));
  if (ServedProjection* found = host->FindProjection(projection)) return found;
  std::string known;
  for (ServedProjection* each : host->projections()) {
    known += (known.empty() ? "" : ", ") + std::string(each->projection().name());
  }
  return NoSuch("projection", known);
}

absl::StatusOr<std::string> AdminService::GetStatus(const UnaryCall&) const {
  GetStatusResponse response;
  response.set_version(options_.version);
  response.set_engine(options_.engine);
  for (ServiceHost* host : hosts_) {
    response.set_log_id(host->log().identity().log_id);
    response.set_epoch(host->log().identity().epoch);
    response.set_quiesced(response.quiesced() || host->quiesced());
    ServiceStatus* service = response.add_services();
    service->set_service(host->definition().name);
    service->set_topic(host->definition().topic);
    AddPositions(*host, service);
    if (host->reactions() != nullptr) AddReactions(*host->reactions(), service);
  }
  return response.SerializeAsString();
}

absl::StatusOr<std::string> AdminService::ListDeadLetters(const UnaryCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<ListDeadLettersRequest>(call.request()));
  CRM_ASSIGN_OR_RETURN(ServiceHost * host, FindHost(request.service()));
  const auto serving = host->projections().front()->serving();
  if (serving == nullptr) return Healing();
  CRM_ASSIGN_OR_RETURN(const auto response, ReadDeadLetters(*serving->store, request));
  return response.SerializeAsString();
}

absl::StatusOr<std::string> AdminService::ListReactionRefusals(const UnaryCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<ListReactionRefusalsRequest>(call.request()));
  CRM_ASSIGN_OR_RETURN(ServiceHost * host, FindHost(request.service()));
  if (request.page_size() < 0) return InvalidField("page_size", "must not be negative");
  const auto serving = host->projections().front()->serving();
  if (serving == nullptr) return Healing();
  CRM_ASSIGN_OR_RETURN(
      const auto response,
      ReadReactionRefusals(*serving->store, host->source(), host->definition().reactions, request));
  return response.SerializeAsString();
}

absl::StatusOr<std::string> AdminService::Quiesce(const UnaryCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<QuiesceRequest>(call.request()));
  for (ServiceHost* host : hosts_) host->Quiesce(!request.resume());
  QuiesceResponse response;
  response.set_quiesced(!request.resume());
  if (request.resume()) return response.SerializeAsString();
  // Commands accepted before are answered once the core stands at the log's end; views follow.
  for (ServiceHost* host : hosts_) {
    for (ServedProjection* projection : host->projections()) {
      PositionTracker::Targets targets;
      for (Partition p = 0; p < kPartitions; ++p) {
        CRM_ASSIGN_OR_RETURN(const Offset end, projection->log().EndOffset(p));
        targets.emplace_back(p, end);
      }
      struct Done {
        Mutex mutex;
        CondVar changed;
        bool ended = false;
        bool reached = false;
      };
      const auto done = std::make_shared<Done>();
      projection->tracker().WhenReached(targets, call.context().deadline, [done](bool reached) {
        MutexLock lock(done->mutex);
        done->ended = true;
        done->reached = reached;
        done->changed.NotifyAll();
      });
      MutexLock lock(done->mutex);
      done->changed.Wait(lock, [&] { return done->ended; });
      if (done->reached) continue;
      return Error(absl::StatusCode::kDeadlineExceeded, "NOT_CAUGHT_UP",
                   "a projection has not reached the log's end; commands stay refused until "
                   "Quiesce with resume");
    }
  }
  return response.SerializeAsString();
}

absl::Status AdminService::RebuildProjection(StreamCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<RebuildProjectionRequest>(call.request()));
  CRM_ASSIGN_OR_RETURN(ServedProjection * projection,
                       FindProjection(request.service(), request.projection()));
  RebuildProjectionProgress progress;
  int64_t told = 0;
  const auto tell = [&](const RebuildProgress& now) {
    progress.set_records_read(now.records_read);
    progress.set_records_total(now.records_total);
    progress.set_events_folded(now.events_folded);
    if (now.records_read - told < kRecordsPerProgress) return !call.gone();
    told = now.records_read;
    return call.Write(progress.SerializeAsString());
  };
  CRM_RETURN_IF_ERROR(projection->Rebuild(tell));
  progress.set_done(true);
  call.Write(progress.SerializeAsString());
  return absl::OkStatus();
}

absl::Status AdminService::DumpProjection(StreamCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<DumpProjectionRequest>(call.request()));
  CRM_ASSIGN_OR_RETURN(ServedProjection * projection,
                       FindProjection(request.service(), request.projection()));
  const auto serving = projection->serving();
  if (serving == nullptr) return Healing();
  const DumpKind kind = request.kind() == DumpProjectionRequest::BUSINESS ? DumpKind::kBusiness
                                                                          : DumpKind::kCanonical;
  const std::unique_ptr<RowReader> snapshot = serving->store->Snapshot();
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(const StoredPosition position, LoadPosition(*snapshot, p));
    DumpProjectionResponse answer;
    answer.set_partition(p);
    bool gone = false;
    const auto line = [&](std::string text) {
      answer.add_rows(std::move(text));
      if (answer.rows_size() < static_cast<int>(kRowsPerAnswer) || gone) return;
      gone = !call.Write(answer.SerializeAsString());
      answer.clear_rows();
    };
    CRM_ASSIGN_OR_RETURN(
        const DumpSummary summary,
        DumpPartition(*snapshot, projection->projection(), p, kind,
                      request.hashes_only() ? std::function<void(std::string)>() : line));
    answer.set_hash(summary.hash);
    answer.set_row_count(summary.rows);
    answer.set_read_to(position.read_to);
    if (gone || !call.Write(answer.SerializeAsString())) return absl::CancelledError("cancelled");
  }
  return absl::OkStatus();
}

namespace {

// One partition folded anew, in memory, up to `until`.
absl::StatusOr<std::unique_ptr<MemoryStore>> FoldAnew(const ServedProjection& projection,
                                                      Partition partition, Offset until,
                                                      const StreamCall& call) {
  auto store = std::make_unique<MemoryStore>();
  if (until == 0) return store;
  BatchRows rows(*store);
  Log& log = projection.log();
  PartitionFold fold(projection.projection(), projection.source(), log.identity(), partition, {},
                     rows);
  CRM_ASSIGN_OR_RETURN(const auto tail, log.OpenTail({{partition, 0}}));
  while (fold.position().read_to < until) {
    if (call.gone()) return absl::CancelledError("cancelled");
    CRM_ASSIGN_OR_RETURN(TailBatch batch, tail->Poll(kSecond));
    for (Record& record : batch.records) {
      if (record.offset < until) CRM_RETURN_IF_ERROR(fold.Accept(std::move(record)));
    }
    CRM_RETURN_IF_ERROR(fold.Flush());
    CRM_RETURN_IF_ERROR(store->Write(rows.Take()));
  }
  return store;
}

}  // namespace

absl::Status AdminService::VerifyProjection(StreamCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<VerifyProjectionRequest>(call.request()));
  CRM_ASSIGN_OR_RETURN(ServedProjection * projection,
                       FindProjection(request.service(), request.projection()));
  const auto serving = projection->serving();
  if (serving == nullptr) return Healing();
  CRM_RETURN_IF_ERROR(serving->store->Verify());
  for (Partition p = 0; p < kPartitions; ++p) {
    const std::unique_ptr<RowReader> snapshot = serving->store->Snapshot();
    CRM_ASSIGN_OR_RETURN(const StoredPosition position, LoadPosition(*snapshot, p));
    CRM_ASSIGN_OR_RETURN(const auto anew, FoldAnew(*projection, p, position.stored, call));
    CRM_ASSIGN_OR_RETURN(const DumpSummary ours, DumpPartition(*snapshot, projection->projection(),
                                                               p, DumpKind::kCanonical, {}));
    CRM_ASSIGN_OR_RETURN(const DumpSummary theirs, DumpPartition(*anew, projection->projection(), p,
                                                                 DumpKind::kCanonical, {}));
    VerifyProjectionResponse answer;
    answer.set_partition(p);
    answer.set_read_to(position.stored);
    answer.set_serving_hash(ours.hash);
    answer.set_rebuilt_hash(theirs.hash);
    answer.set_equal(ours.hash == theirs.hash);
    if (!call.Write(answer.SerializeAsString())) return absl::CancelledError("cancelled");
  }
  return absl::OkStatus();
}

absl::Status AdminService::ReadLog(StreamCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<ReadLogRequest>(call.request()));
  CRM_ASSIGN_OR_RETURN(ServiceHost * host, FindTopic(request.topic()));
  if (request.limit() < 0) return InvalidField("limit", "must not be negative");
  Log& log = host->log();
  std::vector<TailStart> starts;
  std::vector<Offset> ends(kPartitions);
  std::vector<LogReading> readings;
  std::vector<int32_t> asked(request.partitions().begin(), request.partitions().end());
  for (Partition p = 0; p < kPartitions; ++p) {
    readings.emplace_back(host->source().schema, log.identity().epoch, p);
    if (request.partitions().empty()) asked.push_back(p);
  }
  Offset left = 0;
  for (const int32_t p : asked) {
    if (p < 0 || p >= kPartitions) return InvalidField("partitions", "must be 0 to 15");
    CRM_ASSIGN_OR_RETURN(ends[static_cast<size_t>(p)], log.EndOffset(p));
    // Read from the beginning, so that the fence in force is known.
    starts.push_back({p, 0});
    left += ends[static_cast<size_t>(p)];
  }
  CRM_ASSIGN_OR_RETURN(const auto tail, log.OpenTail(std::move(starts)));
  int64_t written = 0;
  while (left > 0 || request.follow()) {
    if (call.gone()) return absl::CancelledError("cancelled");
    CRM_ASSIGN_OR_RETURN(TailBatch batch, tail->Poll(kSecond / 5));
    const auto p = static_cast<size_t>(batch.partition);
    for (Record& record : batch.records) {
      if (record.offset < ends[p]) --left;
      if (record.offset >= ends[p] && !request.follow()) break;
      for (LogEntry& entry : readings[p].Next(record)) {
        if (entry.offset() < request.from_offset()) continue;
        if (request.valid_only() && !(entry.valid() && entry.kind() == "event")) continue;
        if (!request.key().empty() && entry.key() != request.key()) continue;
        if (!call.Write(entry.SerializeAsString())) return absl::CancelledError("cancelled");
        if (++written == request.limit()) return absl::OkStatus();
      }
    }
  }
  return absl::OkStatus();
}

absl::Status AdminService::VerifyLog(StreamCall& call) const {
  CRM_ASSIGN_OR_RETURN(const auto request, Parse<VerifyLogRequest>(call.request()));
  if (options_.verify_files) CRM_RETURN_IF_ERROR(options_.verify_files());
  std::vector<ServiceHost*> hosts = hosts_;
  if (!request.topic().empty()) {
    CRM_ASSIGN_OR_RETURN(ServiceHost * host, FindTopic(request.topic()));
    hosts = {host};
  }
  for (ServiceHost* host : hosts) {
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_ASSIGN_OR_RETURN(const PartitionCheck check,
                           CheckLogPartition(host->log(), host->source(), p));
      VerifyLogResponse answer;
      answer.set_topic(host->definition().topic);
      answer.set_partition(p);
      answer.set_records(check.records);
      answer.set_events(check.events);
      answer.set_reaction_events(check.reaction_events);
      answer.set_void_records(check.void_records);
      answer.set_undecodable(check.undecodable);
      answer.set_problem(check.problem);
      answer.set_hash(check.hash);
      if (!call.Write(answer.SerializeAsString())) return absl::CancelledError("cancelled");
    }
  }
  return absl::OkStatus();
}

}  // namespace crm
