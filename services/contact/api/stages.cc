#include "services/contact/api/stages.h"

#include <utility>

#include "services/contact/projection/contacts_by_stage.h"
#include "services/contact/projection/lifecycle_aggregate.h"

namespace crm::contact {
namespace {

void CheckReason(const std::string& reason, FieldFaults& faults) {
  if (reason == kOrderReason) faults.Add("reason", "must not be order: moves by orders have it");
}

}  // namespace

PreparedCommand StageRequests::Advance(const Caller& caller,
                                       const v1::AdvanceLifecycleRequest& request,
                                       const NameMaker& names) const {
  FieldFaults faults;
  const std::string contact = ContactOf(caller, request, names, faults);
  CheckReason(request.reason(), faults);
  std::string evidence = KeepLine("evidence", request.evidence(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  auto command = std::make_unique<BesideContact<LifecycleAggregate, AdvanceLifecycle>>(
      *types_.contact, *types_.lifecycle, contact,
      AdvanceLifecycle{request.to(), request.reason(), std::move(evidence)});
  command->etag = request.etag();
  return command;
}

std::unique_ptr<Command> StageRequests::ByOrder(const std::string& contact,
                                                MoveByOrder order) const {
  return std::make_unique<BesideContact<LifecycleAggregate, MoveByOrder>>(
      *types_.contact, *types_.lifecycle, contact, std::move(order));
}

absl::StatusOr<std::string> CountByStage(const QueryContext& context,
                                         const google::protobuf::Message&) {
  const RowReader& rows = *context.reading.view(ContactsByStage::kName).rows;
  StageCounts counts{};
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_RETURN_IF_ERROR(ContactsByStage::AddCounts(rows, p, context.caller.tenant, &counts));
  }
  v1::CountByStageResponse response;
  for (int stage = v1::SUSPECT; stage < kStages; ++stage) {
    v1::StageCount* count = response.add_counts();
    count->set_stage(static_cast<v1::LifecycleStage>(stage));
    count->set_contacts(counts[static_cast<size_t>(stage)]);
  }
  return response.SerializeAsString();
}

}  // namespace crm::contact
