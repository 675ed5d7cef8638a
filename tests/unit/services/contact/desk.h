#pragma once

#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/aggregate/core_fold.h"
#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "common/projection/batch_rows.h"
#include "common/projection/sealing.h"
#include "common/service/resource_reads.h"
#include "common/storage/memory_store.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/contact_service.h"
#include "tests/support/as_host.h"

namespace crm::contact::testing {

// The service over rows in memory: what the host does to a command or a query, without log, lane
// and network. Every event is recorded a second after the one before, at 2 s, 3 s …
class Desk {
 public:
  explicit Desk(const ContactOptions& options = {}) : service_(MakeContactService(options)) {
    for (const auto& type : service_.aggregates) types_[type->record_field()] = type.get();
    service_.use_secret(secret_);
  }

  absl::StatusOr<std::string> Execute(std::string_view method,
                                      const google::protobuf::Message& request) {
    for (const CommandMethod& candidate : service_.commands) {
      if (candidate.method != method) continue;
      const std::string settings = Settings();
      CRM_ASSIGN_OR_RETURN(
          auto command,
          PrepareAsHost(candidate, {caller_, names_, settings, now_, &core_}, request));
      last_etag_ = command->etag;
      last_settings_version_ = command->settings_version;
      CRM_ASSIGN_OR_RETURN(Outcome outcome, Run(*command));
      return candidate.render(std::move(outcome));
    }
    return absl::UnimplementedError(std::string(method));
  }

  // Executes a command, and counts its events.
  absl::StatusOr<Outcome> Run(const Command& command) {
    Reader reader(*this, PartitionOfSubject(caller_.tenant, command.subject));
    Outcome outcome;
    outcome.version_before = Now(*command.type, command.aggregate)->info().version;
    CRM_ASSIGN_OR_RETURN(const auto events, command.Decide(reader));
    for (const NewEvent& event : events) {
      FoldRecord(*event.type, event.aggregate, command.occurred_time,
                 static_cast<const v1::ContactRecord&>(*event.record));
      outcome.last_record =
          std::make_shared<v1::ContactRecord>(static_cast<const v1::ContactRecord&>(*event.record));
    }
    outcome.events = static_cast<int64_t>(events.size());
    outcome.resource = Now(*command.type, command.aggregate)->Render();
    return outcome;
  }

  // As the host does, at now(); `subject` of the method is asked first.
  absl::StatusOr<std::string> Ask(std::string_view method, const google::protobuf::Message& request,
                                  std::optional<Moment> as_of = std::nullopt) {
    for (const QueryMethod& candidate : service_.queries) {
      if (candidate.method != method) continue;
      std::string subject;
      CRM_RETURN_IF_ERROR(CheckAsHost(request));
      if (candidate.subject) {
        CRM_ASSIGN_OR_RETURN(subject, candidate.subject(caller_, request, names_));
      }
      ServiceReading reading;
      reading.core = {&core_, service_.topic, {}};
      reading.core.read_to.fill(offset_);
      for (const auto& view : service_.views) {
        const std::string_view name = view.projection->name();
        reading.AddView(name, {&views_[std::string(name)], service_.topic, {}}, nullptr);
      }
      const QueryContext context{
          caller_, names_, reading, {schema_, sealer_}, as_of, secret_, random_, now_, {}, subject};
      return candidate.run(context, request);
    }
    return absl::UnimplementedError(std::string(method));
  }

  absl::StatusOr<v1::ListContactsResponse> List(const v1::ListContactsRequest& request) {
    CRM_ASSIGN_OR_RETURN(const std::string bytes, Ask("ListContacts", request));
    v1::ListContactsResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    return response;
  }

  // A resource as its Get answers it.
  absl::StatusOr<std::string> Get(const std::string& name) {
    return ReadResource(core_, {PartitionOf(name), caller_.tenant, name}, true);
  }

  // Folds an event that no RPC records yet.
  void Erase(const std::string& name) {
    v1::ContactRecord record;
    record.mutable_contact()->mutable_erased();
    FoldRecord(*service_.aggregates[0], name, 0, record);
  }

  void Quarantine(const std::string& name) {
    With(name, [&](Fold& fold) {
      return fold.Unreadable(caller_.tenant, name, 0, absl::DataLossError("damaged"));
    });
  }

  void set_tenant(std::string tenant) { caller_.tenant = std::move(tenant); }
  const std::string& last_etag() const { return last_etag_; }
  int64_t last_settings_version() const { return last_settings_version_; }
  const ServiceDefinition& service() const { return service_; }
  const NameMaker& names() const { return names_; }
  // The offset after the last event, in every partition; when it was recorded.
  Offset end() const { return offset_; }
  TimeNs now() const { return now_; }
  void Pass(TimeNs time) { now_ += time; }

 private:
  class Reader final : public AggregateReader {
   public:
    Reader(const Desk& desk, Partition partition)
        : tenant_(desk.caller_.tenant), rows_(desk.core_), state_(desk.types_, partition) {}
    absl::StatusOr<const Aggregate*> Find(const AggregateType& type,
                                          const std::string& name) override {
      return state_.Find(rows_, type, tenant_, name);
    }

   private:
    const std::string& tenant_;
    BatchRows rows_;
    CoreState state_;
  };

  // Of the caller's tenant, as the host reads them.
  std::string Settings() const {
    const std::string name = service_.tenants + "/" + caller_.tenant;
    const auto row = core_.Get(AggregateKey(PartitionOf(name), caller_.tenant, name));
    return *row ? std::string(ResourceOfRow(**row)) : "";
  }

  Partition PartitionOf(std::string_view name) const {
    return PartitionOfSubject(caller_.tenant, SubjectOf(name));
  }

  std::unique_ptr<Aggregate> Now(const AggregateType& type, const std::string& name) {
    auto aggregate = type.New(name);
    const auto row = core_.Get(AggregateKey(PartitionOf(name), caller_.tenant, name));
    if (*row) {
      EXPECT_TRUE(aggregate->FromRow(**row).ok());
    }
    return aggregate;
  }

  void FoldRecord(const AggregateType& type, const std::string& name, TimeNs occurred,
                  const v1::ContactRecord& content) {
    auto record = std::make_unique<v1::ContactRecord>(content);
    auto* metadata = record->mutable_metadata();
    metadata->set_tenant(caller_.tenant);
    metadata->set_aggregate(name);
    metadata->set_aggregate_version(Now(type, name)->info().version + 1);
    SetTimestamp(now_ += kSecond, metadata->mutable_recorded_time());
    if (occurred != 0) SetTimestamp(occurred, metadata->mutable_occurred_time());
    auto event = schema_.Encode(std::move(record), sealer_);
    ASSERT_TRUE(event.ok());
    event->offset = offset_++;
    With(name, [&](Fold& fold) { return fold.Apply({&*event, 1}); });
  }

  template <typename Do>
  void With(const std::string& name, Do what) {
    const CoreProjection core(types_, 1);
    FoldInto(core, core_, name, what);
    for (const auto& view : service_.views) {
      FoldInto(*view.projection, views_[std::string(view.projection->name())], name, what);
    }
  }

  template <typename Do>
  void FoldInto(const Projection& projection, MemoryStore& rows, const std::string& name, Do what) {
    BatchRows batch(rows);
    const auto fold = projection.Begin(PartitionOf(name), batch);
    ASSERT_TRUE(what(*fold).ok());
    ASSERT_TRUE(fold->Flush().ok());
    ASSERT_TRUE(rows.Write(batch.Take()).ok());
  }

  ServiceDefinition service_;
  AggregateTypes types_;
  EventSchema schema_{v1::ContactRecord::default_instance()};
  PlainSealer sealer_;
  SeededRandom random_{1};
  Secret secret_ = *Secret::FromBytes(std::string(32, 's'));
  NameMaker names_{secret_, random_, "contact"};
  Caller caller_{.tenant = "t"};
  MemoryStore core_;
  std::map<std::string, MemoryStore> views_;
  TimeNs now_ = kSecond;
  Offset offset_ = 0;
  std::string last_etag_;
  int64_t last_settings_version_ = 0;
};

inline std::vector<std::string> FaultyFields(const absl::Status& status) {
  google::rpc::BadRequest bad;
  const auto detail = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  if (detail) {
    EXPECT_TRUE(bad.ParseFromString(std::string(*detail)));
  }
  std::vector<std::string> fields;
  for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  return fields;
}

}  // namespace crm::contact::testing
