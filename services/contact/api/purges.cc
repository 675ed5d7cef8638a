#include "services/contact/api/purges.h"

#include <utility>

#include "common/base/timestamp.h"
#include "common/service/resource_reads.h"
#include "services/contact/domain/contact.h"
#include "services/contact/domain/purge.h"
#include "services/contact/projection/contact_aggregate.h"
#include "services/contact/projection/purge_aggregate.h"

namespace crm::contact {
namespace {

constexpr char kRunIdKind = 'o';

// As the contact is when the lane decides: one that was undeleted meanwhile is left alone.
class PurgeIfDeleted final : public Command {
 public:
  PurgeIfDeleted(const AggregateType& contact_type, const std::string& contact,
                 TimeNs deleted_before)
      : deleted_before_(deleted_before) {
    type = &contact_type;
    subject = contact;
    aggregate = contact;
  }

  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override {
    CRM_ASSIGN_OR_RETURN(const Aggregate* found, aggregates.Find(*type, aggregate));
    const Contact& contact = static_cast<const TypedAggregate<ContactAggregate>*>(found)->state();
    const bool due = contact.existence == Existence::kDeleted && contact.end_time < deleted_before_;
    if (!due) return std::vector<NewEvent>();
    return DeciderCommand<ContactAggregate, PurgeContact>(*type, aggregate, PurgeContact())
        .Decide(aggregates);
  }

 private:
  const TimeNs deleted_before_;
};

void CheckDeletedBefore(const google::protobuf::Timestamp& time, TimeNs now, FieldFaults& faults) {
  if (!IsTimestamp(time)) {
    faults.Add("deleted_before", "must lie in the years 1 to 9999, with nanos below 10^9");
  } else if (ToTimeNs(time) > now) {
    faults.Add("deleted_before", "must not lie in the future");
  }
}

}  // namespace

PreparedCommand PurgeRequests::Purge(const CommandContext& context,
                                     const v1::PurgeContactsRequest& request) const {
  FieldFaults faults;
  // A missing one is named by the field's rule.
  CheckDeletedBefore(request.deleted_before(), context.now, faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  std::string name = context.names.FromRequest(PurgeAggregate::kCollection, kRunIdKind,
                                               context.caller.tenant, request.request_id());
  return std::make_unique<DeciderCommand<PurgeAggregate, RequestPurge>>(
      *run_, std::move(name), RequestPurge{ToTimeNs(request.deleted_before()), request.force()});
}

PreparedCommand PurgeRequests::Cancel(const std::string& name) const {
  return std::make_unique<DeciderCommand<PurgeAggregate, CancelPurge>>(*run_, name, CancelPurge());
}

PreparedCommand PurgeRequests::Record(const CommandContext&,
                                      const v1::RecordPurgedPartitionRequest& request) const {
  FieldFaults faults;
  if (!CheckResourceName("operations/*", request.name()).ok()) {
    faults.Add("name", "must be the name of an operation");
  }
  if (request.partition() < 0 || request.partition() >= kPartitions) {
    faults.Add("partition", "must be that of a partition");
  }
  if (request.contacts() < 0) faults.Add("contacts", "must not be negative");
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  auto command = Finish(request.name(), request.partition(), request.contacts());
  command->source = request.source();
  command->causation_id = request.causation_id();
  return command;
}

PurgeCommands PurgeRequests::Commands() const {
  return {.purge =
              [contact = contact_](const std::string& name, TimeNs deleted_before) {
                return std::make_unique<PurgeIfDeleted>(*contact, name, deleted_before);
              },
          .finish = [requests = *this](
                        const std::string& run, Partition partition,
                        int64_t contacts) { return requests.Finish(run, partition, contacts); }};
}

std::unique_ptr<Command> PurgeRequests::Finish(const std::string& run, Partition partition,
                                               int64_t contacts) const {
  auto command = std::make_unique<DeciderCommand<PurgeAggregate, FinishPartition>>(
      *run_, run, FinishPartition{partition, contacts});
  // Each partition's is a command of its own.
  command->request_id = std::to_string(partition);
  v1::RecordPurgedPartitionRequest request;
  request.set_name(run);
  request.set_partition(partition);
  request.set_contacts(contacts);
  command->as_call = Command::AsCall{"RecordPurgedPartition", request.SerializeAsString()};
  return command;
}

}  // namespace crm::contact
