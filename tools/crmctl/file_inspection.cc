#include "tools/crmctl/file_inspection.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/aggregate/dead_letters.h"
#include "common/base/status.h"
#include "common/log/embedded/embedded_log.h"
#include "common/projection/bulk_rebuild.h"
#include "common/projection/dump.h"
#include "common/service/dead_letter_list.h"
#include "common/service/log_reading.h"
#include "common/service/projection_store.h"
#include "common/service/reaction_refusals.h"
#include "common/storage/generation.h"
#include "common/storage/memory_store.h"
#include "crm/common/v1/storage.pb.h"

namespace crm::crmctl {
namespace {

using namespace admin::v1;  // NOLINT: this file is about nothing else

constexpr int64_t kBudgetBytes = 256 << 20;

AggregateTypes TypesOf(const ServiceDefinition& definition) {
  AggregateTypes types;
  for (const auto& type : definition.aggregates) types[type->record_field()] = type.get();
  return types;
}

bool HasTopic(const EmbeddedLogEngine& engine, const std::string& topic) {
  const std::vector<std::string> topics = engine.topics();
  return std::find(topics.begin(), topics.end(), topic) != topics.end();
}

absl::Status NoSuch(const std::string& what, const std::string& name,
                    const std::vector<std::string>& known) {
  return Error(
      absl::StatusCode::kInvalidArgument, "NOT_KNOWN",
      fmt::format("there is no {} '{}'; there are: {}", what, name, fmt::join(known, ", ")));
}

}  // namespace

// A projection and the topic it folds.
struct FileInspection::Folded {
  const Projection& projection;
  Log& log;
  EventSource source;
};

struct FileInspection::Service {
  Service(ServiceDefinition of, EmbeddedLogEngine& engine)
      : definition(std::move(of)),
        log(engine.Topic(definition.topic)),
        schema(*definition.record),
        core(TypesOf(definition), definition.core_version) {
    projections.push_back({core, log, source()});
    for (const ViewDefinition& view : definition.views) AddView(view, engine);
  }

  // A log made before the view's topic existed has nothing for it to fold.
  void AddView(const ViewDefinition& view, EmbeddedLogEngine& engine) {
    if (view.topic.empty()) return projections.push_back({*view.projection, log, source()});
    if (!HasTopic(engine, view.topic)) return;
    foreign.push_back(std::make_unique<EventSchema>(*view.record));
    projections.push_back(
        {*view.projection, engine.Topic(view.topic), EventSource{*foreign.back(), sealer}});
  }

  EventSource source() { return {schema, sealer}; }

  const ServiceDefinition definition;
  Log& log;
  const EventSchema schema;
  const CoreProjection core;
  PlainSealer sealer;
  std::vector<std::unique_ptr<EventSchema>> foreign;
  std::vector<Folded> projections;
};

absl::StatusOr<std::unique_ptr<FileInspection>> FileInspection::Open(
    const std::string& data_directory, std::vector<ServiceDefinition> services) {
  EmbeddedLogOptions options;
  options.directory = data_directory + "/log";
  CRM_ASSIGN_OR_RETURN(auto engine, EmbeddedLogEngine::Open(std::move(options)));
  return std::unique_ptr<FileInspection>(
      new FileInspection(data_directory, std::move(engine), std::move(services)));
}

FileInspection::FileInspection(std::string data_directory,
                               std::unique_ptr<EmbeddedLogEngine> engine,
                               std::vector<ServiceDefinition> services)
    : data_directory_(std::move(data_directory)),
      budget_(std::make_unique<StorageBudget>(kBudgetBytes)),
      engine_(std::move(engine)) {
  // Where it lies elsewhere, the views that need it say so when they are to be folded.
  const absl::StatusOr<Secret> secret = Secret::FromFile(data_directory_ + "/secret", nullptr);
  for (ServiceDefinition& service : services) {
    // A log made before the service existed has no topic of its own for it.
    if (!HasTopic(*engine_, service.topic)) continue;
    if (service.use_secret && secret.ok()) service.use_secret(*secret);
    services_.push_back(std::make_unique<Service>(std::move(service), *engine_));
  }
}

FileInspection::~FileInspection() = default;

absl::StatusOr<FileInspection::Service*> FileInspection::FindService(
    const std::string& name) const {
  std::vector<std::string> known;
  for (const auto& service : services_) {
    if (service->definition.name == name) return service.get();
    known.push_back(service->definition.name);
  }
  return NoSuch("service", name, known);
}

absl::StatusOr<FileInspection::Service*> FileInspection::FindTopic(const std::string& topic) const {
  std::vector<std::string> known;
  for (const auto& service : services_) {
    if (service->definition.topic == topic) return service.get();
    known.push_back(service->definition.topic);
  }
  return NoSuch("topic", topic, known);
}

absl::StatusOr<const FileInspection::Folded*> FileInspection::FindProjection(
    const Service& service, const std::string& name) const {
  std::vector<std::string> known;
  for (const Folded& folded : service.projections) {
    if (folded.projection.name() == name) return &folded;
    known.emplace_back(folded.projection.name());
  }
  return NoSuch("projection", name, known);
}

Generation FileInspection::GenerationOf(const Service& service,
                                        const Projection& projection) const {
  return Generation(data_directory_ + "/" + service.definition.name, std::string(projection.name()),
                    projection.version());
}

absl::StatusOr<std::unique_ptr<Store>> FileInspection::OpenStore(
    const Service& service, const Projection& projection) const {
  const Generation generation = GenerationOf(service, projection);
  if (!generation.exists()) {
    return Error(absl::StatusCode::kNotFound, "PROJECTION_NOT_BUILT",
                 fmt::format("{} is not there; the next start of the server, or 'projection "
                             "rebuild', builds it from the log",
                             generation.path()));
  }
  RocksStoreOptions options;
  options.budget = budget_.get();
  CRM_ASSIGN_OR_RETURN(auto store, generation.Open(options));
  return std::unique_ptr<Store>(std::move(store));
}

absl::StatusOr<GetStatusResponse> FileInspection::GetStatus() {
  GetStatusResponse response;
  response.set_engine("embedded (stopped)");
  response.set_log_id(engine_->identity().log_id);
  response.set_epoch(engine_->identity().epoch);
  for (const auto& service : services_) {
    CRM_RETURN_IF_ERROR(AddStatus(*service, response.add_services()));
  }
  return response;
}

absl::Status FileInspection::AddForeignRecords(const Service& service,
                                               ServiceStatus* status) const {
  const auto core = OpenStore(service, service.core);
  if (!core.ok()) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(const DeadLetterCounts letters, CountDeadLetters(**core));
  for (Partition p = 0; p < kPartitions; ++p) {
    status->mutable_partitions(p)->set_foreign_records(letters.foreign[static_cast<size_t>(p)]);
  }
  return absl::OkStatus();
}

absl::Status FileInspection::AddStatus(const Service& service, ServiceStatus* status) const {
  status->set_service(service.definition.name);
  status->set_topic(service.definition.topic);
  for (Partition p = 0; p < kPartitions; ++p) {
    PartitionStatus* partition = status->add_partitions();
    partition->set_partition(p);
    partition->set_fence(kNoOffset);
    CRM_ASSIGN_OR_RETURN(const Offset end, service.log.EndOffset(p));
    partition->set_end_offset(end);
  }
  CRM_RETURN_IF_ERROR(AddForeignRecords(service, status));
  for (const Folded& folded : service.projections) {
    const Projection& projection = folded.projection;
    ProjectionStatus* its = status->add_projections();
    its->set_projection(std::string(projection.name()));
    its->set_version(projection.version());
    const auto store = OpenStore(service, projection);
    if (!store.ok() && store.status().code() != absl::StatusCode::kNotFound) return store.status();
    for (Partition p = 0; p < kPartitions; ++p) {
      StoredPosition position;
      if (store.ok()) {
        CRM_ASSIGN_OR_RETURN(position, LoadPosition(**store, p));
      }
      its->add_read_to(position.read_to);
      CRM_ASSIGN_OR_RETURN(const Offset end, folded.log.EndOffset(p));
      its->set_lag(its->lag() + end - position.read_to);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ListReactionRefusalsResponse> FileInspection::ListReactionRefusals(
    const ListReactionRefusalsRequest& request) {
  CRM_ASSIGN_OR_RETURN(Service * service, FindService(request.service()));
  CRM_ASSIGN_OR_RETURN(const auto store, OpenStore(*service, service->core));
  return ReadReactionRefusals(*store, service->source(), service->definition.reactions, request);
}

absl::StatusOr<ListDeadLettersResponse> FileInspection::ListDeadLetters(
    const ListDeadLettersRequest& request) {
  CRM_ASSIGN_OR_RETURN(Service * service, FindService(request.service()));
  CRM_ASSIGN_OR_RETURN(const auto store, OpenStore(*service, service->core));
  return ReadDeadLetters(*store, request);
}

absl::Status FileInspection::ReadLog(const ReadLogRequest& request, const Each<LogEntry>& each) {
  CRM_ASSIGN_OR_RETURN(Service * service, FindTopic(request.topic()));
  std::vector<int> asked(request.partitions().begin(), request.partitions().end());
  for (Partition p = 0; request.partitions().empty() && p < kPartitions; ++p) asked.push_back(p);
  int64_t written = 0;
  for (const Partition p : asked) {
    if (p < 0 || p >= kPartitions) return InvalidField("partitions", "must be 0 to 15");
    // From the beginning, so that the fence in force is known.
    LogReading reading(service->schema, engine_->identity().epoch, p);
    CRM_ASSIGN_OR_RETURN(Offset left, service->log.EndOffset(p));
    CRM_ASSIGN_OR_RETURN(const auto tail, service->log.OpenTail({{p, 0}}));
    while (left > 0) {
      CRM_ASSIGN_OR_RETURN(const TailBatch batch, tail->Poll(kSecond));
      left -= static_cast<Offset>(batch.records.size());
      for (const Record& record : batch.records) {
        for (const LogEntry& entry : reading.Next(record)) {
          if (entry.offset() < request.from_offset()) continue;
          if (request.valid_only() && !(entry.valid() && entry.kind() == "event")) continue;
          if (!request.key().empty() && entry.key() != request.key()) continue;
          if (!each(entry) || ++written == request.limit()) return absl::OkStatus();
        }
      }
    }
  }
  return absl::OkStatus();
}

absl::Status FileInspection::VerifyLog(const VerifyLogRequest& request,
                                       const Each<VerifyLogResponse>& each) {
  CRM_RETURN_IF_ERROR(engine_->Verify());
  std::vector<Service*> asked;
  for (const auto& service : services_) asked.push_back(service.get());
  if (!request.topic().empty()) {
    CRM_ASSIGN_OR_RETURN(Service * service, FindTopic(request.topic()));
    asked = {service};
  }
  for (Service* service : asked) {
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_ASSIGN_OR_RETURN(const PartitionCheck check,
                           CheckLogPartition(service->log, service->source(), p));
      VerifyLogResponse answer;
      answer.set_topic(service->definition.topic);
      answer.set_partition(p);
      answer.set_records(check.records);
      answer.set_events(check.events);
      answer.set_reaction_events(check.reaction_events);
      answer.set_void_records(check.void_records);
      answer.set_undecodable(check.undecodable);
      answer.set_problem(check.problem);
      answer.set_hash(check.hash);
      if (!each(answer)) return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

absl::Status FileInspection::RebuildProjection(const RebuildProjectionRequest& request,
                                               const Each<RebuildProjectionProgress>& each) {
  CRM_ASSIGN_OR_RETURN(Service * service, FindService(request.service()));
  CRM_ASSIGN_OR_RETURN(const Folded* folded, FindProjection(*service, request.projection()));
  ProjectionStore::Options options;
  options.root = data_directory_ + "/" + service->definition.name;
  options.store.budget = budget_.get();
  ProjectionStore store(std::move(options), folded->log, folded->projection, folded->source);
  RebuildProjectionProgress progress;
  CRM_RETURN_IF_ERROR(store.Build([&](const RebuildProgress& now) {
    progress.set_records_read(now.records_read);
    progress.set_records_total(now.records_total);
    progress.set_events_folded(now.events_folded);
    return each(progress);
  }));
  CRM_RETURN_IF_ERROR(store.Publish().status());
  progress.set_done(true);
  each(progress);
  return absl::OkStatus();
}

absl::Status FileInspection::DumpProjection(const DumpProjectionRequest& request,
                                            const Each<DumpProjectionResponse>& each) {
  CRM_ASSIGN_OR_RETURN(Service * service, FindService(request.service()));
  CRM_ASSIGN_OR_RETURN(const Folded* folded, FindProjection(*service, request.projection()));
  CRM_ASSIGN_OR_RETURN(const auto store, OpenStore(*service, folded->projection));
  const DumpKind kind = request.kind() == DumpProjectionRequest::BUSINESS ? DumpKind::kBusiness
                                                                          : DumpKind::kCanonical;
  bool wanted = true;
  for (Partition p = 0; p < kPartitions && wanted; ++p) {
    CRM_ASSIGN_OR_RETURN(const StoredPosition position, LoadPosition(*store, p));
    DumpProjectionResponse answer;
    answer.set_partition(p);
    const auto line = [&](std::string text) {
      answer.add_rows(std::move(text));
      wanted = wanted && each(answer);
      answer.clear_rows();
    };
    CRM_ASSIGN_OR_RETURN(
        const DumpSummary summary,
        DumpPartition(*store, folded->projection, p, kind,
                      request.hashes_only() ? std::function<void(std::string)>() : line));
    answer.set_hash(summary.hash);
    answer.set_row_count(summary.rows);
    answer.set_read_to(position.read_to);
    wanted = wanted && each(answer);
  }
  return absl::OkStatus();
}

absl::Status FileInspection::VerifyProjection(const VerifyProjectionRequest& request,
                                              const Each<VerifyProjectionResponse>& each) {
  CRM_ASSIGN_OR_RETURN(Service * service, FindService(request.service()));
  CRM_ASSIGN_OR_RETURN(const Folded* folded, FindProjection(*service, request.projection()));
  CRM_ASSIGN_OR_RETURN(const auto store, OpenStore(*service, folded->projection));
  CRM_RETURN_IF_ERROR(store->Verify());
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(const StoredPosition position, LoadPosition(*store, p));
    // A partition at a time, so that memory holds one of sixteen.
    MemoryStore anew;
    RebuildOptions options;
    options.until.assign(kPartitions, 0);
    options.until[static_cast<size_t>(p)] = position.stored;
    CRM_RETURN_IF_ERROR(
        BulkRebuild(folded->log, folded->projection, folded->source, anew, options).status());
    CRM_ASSIGN_OR_RETURN(const DumpSummary stored,
                         DumpPartition(*store, folded->projection, p, DumpKind::kCanonical, {}));
    CRM_ASSIGN_OR_RETURN(const DumpSummary rebuilt,
                         DumpPartition(anew, folded->projection, p, DumpKind::kCanonical, {}));
    VerifyProjectionResponse answer;
    answer.set_partition(p);
    answer.set_read_to(position.stored);
    answer.set_serving_hash(stored.hash);
    answer.set_rebuilt_hash(rebuilt.hash);
    answer.set_equal(stored.hash == rebuilt.hash);
    if (!each(answer)) return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<FileInspection::Adopted> FileInspection::AdoptRestored() {
  Adopted adopted;
  // First, so that a crash between the two steps leaves nothing that is ahead of the log.
  for (const auto& service : services_) {
    for (const Folded& folded : service->projections) {
      const Generation generation = GenerationOf(*service, folded.projection);
      if (!generation.exists()) continue;
      CRM_ASSIGN_OR_RETURN(std::string where, generation.SetAside());
      adopted.set_aside.push_back(std::move(where));
    }
  }
  CRM_RETURN_IF_ERROR(engine_->AdoptRestored());
  adopted.epoch = engine_->identity().epoch;
  return adopted;
}

}  // namespace crm::crmctl
