#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/aggregate/core_fold.h"
#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "common/projection/batch_rows.h"
#include "common/projection/dump.h"
#include "common/projection/position.h"
#include "common/projection/sealing.h"
#include "common/service/resource_reads.h"
#include "common/storage/memory_store.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "services/analytics/api/analytics_service.h"
#include "services/analytics/projection/customer_rows.h"
#include "tests/support/as_host.h"

namespace crm::analytics::testing {

// The service over rows in memory: what the host does to commands, queries, reactions and events of
// other topics, without log, lane and network. Stops nothing and waits for nothing.
class Desk {
 public:
  Desk() { Restart(); }

  // As after a crash: what was in memory alone is gone.
  void Restart() {
    service_ = MakeAnalyticsService();
    types_.clear();
    for (const auto& type : service_.aggregates) types_[type->record_field()] = type.get();
  }

  absl::StatusOr<std::string> Execute(std::string_view method,
                                      const google::protobuf::Message& request) {
    for (const CommandMethod& candidate : service_.commands) {
      if (candidate.method != method) continue;
      CRM_ASSIGN_OR_RETURN(auto command, PrepareAsHost(candidate, {caller_, names_}, request));
      return Run(*command);
    }
    return absl::UnimplementedError(std::string(method));
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(std::string_view method, const Request& request) {
    for (const QueryMethod& candidate : service_.queries) {
      if (candidate.method != method) continue;
      if (candidate.subject) {
        CRM_RETURN_IF_ERROR(candidate.subject(caller_, request, names_).status());
      }
      const ServiceReading reading = Read();
      const QueryContext context{caller_,
                                 names_,
                                 reading,
                                 {schema_, sealer_},
                                 {},
                                 secret_,
                                 random_,
                                 0,
                                 [](const ProjectionReading& section) {
                                   return "token of " + std::string(section.topic);
                                 }};
      CRM_ASSIGN_OR_RETURN(const std::string bytes, candidate.run(context, request));
      Response response;
      EXPECT_TRUE(response.ParseFromString(bytes));
      return response;
    }
    return absl::UnimplementedError(std::string(method));
  }

  // An event of another service.
  template <typename Record>
  void Fold(const std::string& aggregate, Record record, TimeNs occurred = 1) {
    SetTimestamp(occurred, record.mutable_metadata()->mutable_occurred_time());
    const EventSchema schema(Record::default_instance());
    FoldRecord(schema, aggregate, ++versions_[aggregate], std::move(record));
  }

  void Quarantine(std::string_view topic, const std::string& subject) {
    for (const ViewDefinition& view : service_.views) {
      if (view.topic != topic) continue;
      FoldInto(*view.projection, rows_[std::string(view.projection->name())], subject,
               [&](crm::Fold& fold) {
                 return fold.Unreadable(caller_.tenant, subject, 0, absl::DataLossError("damaged"));
               });
    }
  }

  // Lets the reactions answer every event that is waiting; `steps` at most. True when none waits.
  bool React(int steps = 1'000'000) {
    for (; steps > 0 && !waiting_.empty(); --steps) ReactOnce();
    return waiting_.empty();
  }
  // Of the next so many steps only every other command is answered: they are asked for again.
  void LoseSteps(int steps) { lose_steps_ = steps; }
  // Meets every event of the own topic again, from the first.
  void MeetAgain() {
    waiting_.clear();
    for (const auto& record : own_) waiting_.push_back({record, ""});
  }

  template <typename Resource>
  Resource Get(const std::string& name) {
    Resource resource;
    const auto bytes = ReadResource(
        core(), {PartitionOfSubject(caller_.tenant, SubjectOf(name)), caller_.tenant, name}, true);
    EXPECT_TRUE(bytes.ok()) << name << ": " << bytes.status();
    EXPECT_TRUE(resource.ParseFromString(bytes.value_or("")));
    return resource;
  }

  // Business dump of the core and all views.
  std::vector<std::string> Dump() {
    std::vector<std::string> lines;
    const CoreProjection core_projection(types_, 1);
    AddDump(core_projection, core(), &lines);
    for (const ViewDefinition& view : service_.views) {
      AddDump(*view.projection, rows_[std::string(view.projection->name())], &lines);
    }
    return lines;
  }

  // Names of the events of the own topic so far.
  std::vector<std::string> Recorded() const {
    std::vector<std::string> names;
    for (const auto& record : own_) names.push_back(EventOf(record).event->GetDescriptor()->name());
    return names;
  }

  const ServiceDefinition& service() const { return service_; }
  const NameMaker& names() const { return names_; }
  const Caller& caller() const { return caller_; }
  void set_tenant(std::string tenant) { caller_.tenant = std::move(tenant); }
  MemoryStore& core() { return rows_["core"]; }
  MemoryStore& rows(std::string_view view) { return rows_[std::string(view)]; }

 private:
  class Reader final : public AggregateReader {
   public:
    Reader(Desk& desk, Partition partition)
        : tenant_(desk.caller_.tenant), rows_(desk.core()), state_(desk.types_, partition) {}
    absl::StatusOr<const Aggregate*> Find(const AggregateType& type,
                                          const std::string& name) override {
      return state_.Find(rows_, type, tenant_, name);
    }

   private:
    const std::string& tenant_;
    BatchRows rows_;
    CoreState state_;
  };

  struct Waiting {
    v1::AnalyticsRecord record;
    std::string progress;
  };

  Event EventOf(const v1::AnalyticsRecord& record) const {
    auto event = schema_.Encode(std::make_unique<v1::AnalyticsRecord>(record), sealer_);
    EXPECT_TRUE(event.ok()) << event.status();
    return *std::move(event);
  }

  ServiceReading Read() {
    ServiceReading reading;
    reading.core = {&core(), service_.topic, {}};
    for (const ViewDefinition& view : service_.views) {
      const std::string& topic = view.topic.empty() ? service_.topic : view.topic;
      reading.AddView(view.projection->name(),
                      {&rows_[std::string(view.projection->name())], topic, {}}, nullptr);
    }
    return reading;
  }

  void ReactOnce() {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    const Event event = EventOf(next.record);
    Reaction& reaction = *service_.reactions.at(0);
    if (!reaction.Concerns(event)) return;
    const ServiceReading reading = Read();
    const ReactionContext context{
        PartitionOfSubject(event.metadata->tenant(), SubjectOf(event.metadata->aggregate())),
        event.metadata->tenant(), names_, 0, reading};
    auto step = reaction.React(context, event, next.progress);
    ASSERT_TRUE(step.ok()) << step.status();
    const bool lose = lose_steps_ > 0;
    if (lose) --lose_steps_;
    for (size_t i = 0; i < step->commands.size(); i += lose ? 2 : 1) {
      const auto answered = Run(*step->commands[i]);
      EXPECT_TRUE(answered.ok()) << answered.status();
    }
    if (lose) return waiting_.push_front(std::move(next));
    if (step->progress.empty()) return;
    next.progress = step->progress;
    waiting_.push_front(std::move(next));
  }

  absl::StatusOr<std::string> Run(const Command& command) {
    Reader reader(*this, PartitionOfSubject(caller_.tenant, command.subject));
    CRM_ASSIGN_OR_RETURN(const auto events, command.Decide(reader));
    for (const NewEvent& event : events) {
      auto record = static_cast<const v1::AnalyticsRecord&>(*event.record);
      record = FoldRecord(schema_, event.aggregate, VersionOf(*event.type, event.aggregate) + 1,
                          std::move(record));
      own_.push_back(record);
      waiting_.push_back({std::move(record), ""});
    }
    return Now(*command.type, command.aggregate)->Render();
  }

  std::unique_ptr<Aggregate> Now(const AggregateType& type, const std::string& name) {
    auto aggregate = type.New(name);
    const auto row = core().Get(
        AggregateKey(PartitionOfSubject(caller_.tenant, SubjectOf(name)), caller_.tenant, name));
    if (row->has_value()) {
      EXPECT_TRUE(aggregate->FromRow(**row).ok());
    }
    return aggregate;
  }
  int64_t VersionOf(const AggregateType& type, const std::string& name) {
    return Now(type, name)->info().version;
  }

  // As it was recorded.
  template <typename Record>
  Record FoldRecord(const EventSchema& schema, const std::string& aggregate, int64_t version,
                    Record record) {
    auto* metadata = record.mutable_metadata();
    metadata->set_tenant(caller_.tenant);
    metadata->set_aggregate(aggregate);
    metadata->set_aggregate_version(version);
    SetTimestamp(now_ += kSecond, metadata->mutable_recorded_time());
    const auto event = schema.Encode(std::make_unique<Record>(record), sealer_);
    EXPECT_TRUE(event.ok()) << event.status();
    const bool own = record.GetDescriptor() == service_.record->GetDescriptor();
    const auto fold = [&](crm::Fold& folding) { return folding.Apply({&*event, 1}); };
    if (own) FoldInto(CoreProjection(types_, 1), core(), aggregate, fold);
    for (const ViewDefinition& view : service_.views) {
      const auto* folded = view.record == nullptr ? service_.record : view.record;
      if (folded->GetDescriptor() != record.GetDescriptor()) continue;
      FoldInto(*view.projection, rows_[std::string(view.projection->name())], aggregate, fold);
    }
    return record;
  }

  template <typename Do>
  void FoldInto(const Projection& projection, MemoryStore& rows, const std::string& name, Do what) {
    const Partition partition = PartitionOfSubject(caller_.tenant, SubjectOf(name));
    BatchRows batch(rows);
    const auto fold = projection.Begin(partition, batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    auto position = LoadPosition(rows, partition);
    ASSERT_TRUE(position.ok());
    ++position->stored;
    batch.Put(PositionRowKey(partition), EncodePosition(*position));
    ASSERT_TRUE(rows.Write(batch.Take()).ok());
  }

  static void AddDump(const Projection& projection, const RowReader& rows,
                      std::vector<std::string>* lines) {
    for (Partition p = 0; p < kPartitions; ++p) {
      const auto dump = DumpPartition(rows, projection, p, DumpKind::kBusiness,
                                      [&](std::string line) { lines->push_back(line); });
      EXPECT_TRUE(dump.ok()) << dump.status();
    }
  }

  ServiceDefinition service_;
  AggregateTypes types_;
  EventSchema schema_{v1::AnalyticsRecord::default_instance()};
  mutable PlainSealer sealer_;
  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  NameMaker names_{secret_, random_, "analytics"};
  Caller caller_{.tenant = "t"};
  std::map<std::string, MemoryStore> rows_;
  std::map<std::string, int64_t> versions_;
  std::vector<v1::AnalyticsRecord> own_;
  std::deque<Waiting> waiting_;
  TimeNs now_ = kSecond;
  int lose_steps_ = 0;
};

}  // namespace crm::analytics::testing
