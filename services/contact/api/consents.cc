#include "services/contact/api/consents.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/timestamp.h"
#include "common/service/resource_reads.h"
#include "services/contact/domain/consent.h"
#include "services/contact/projection/consent_aggregate.h"

namespace crm::contact {
namespace {

using google::protobuf::Timestamp;

// `Request` has a purpose, a channel and a recipient.
template <typename Request>
ConsentUse ReadUse(const Request& request, FieldFaults& faults) {
  return {request.purpose(), request.channel(), KeepLine("recipient", request.recipient(), faults)};
}

TimeNs ReadExpireTime(const v1::GrantConsentRequest& request, FieldFaults& faults) {
  if (!request.has_expire_time()) return 0;
  const Timestamp& time = request.expire_time();
  if (IsTimestamp(time) && ToTimeNs(time) > 0) return ToTimeNs(time);
  faults.Add("expire_time", "must lie in the years 1970 to 9999, with nanos below 10^9");
  return 0;
}

v1::CheckConsentResponse::State StateOf(ConsentState state) {
  switch (state) {
    case ConsentState::kNone:
      return v1::CheckConsentResponse::NONE;
    case ConsentState::kGranted:
      return v1::CheckConsentResponse::GRANTED;
    case ConsentState::kWithdrawn:
      return v1::CheckConsentResponse::WITHDRAWN;
    case ConsentState::kExpired:
      return v1::CheckConsentResponse::EXPIRED;
  }
  return v1::CheckConsentResponse::STATE_UNSPECIFIED;
}

absl::StatusOr<TimeNs> UseTime(const QueryContext& context,
                               const v1::CheckConsentRequest& request) {
  if (request.has_use_time()) {
    if (IsTimestamp(request.use_time())) return ToTimeNs(request.use_time());
    return InvalidField("use_time", "must lie in the years 1 to 9999, with nanos below 10^9");
  }
  if (context.as_of && context.as_of->time) return *context.as_of->time;
  return context.now;
}

// The ledger of a contact; empty where there is none.
absl::StatusOr<ConsentLedger> ReadLedger(const QueryContext& context, const AggregateType& type,
                                         const ResourceRef& ref) {
  const RowReader& core = *context.reading.core.rows;
  const auto bytes = context.as_of ? ReadResourceAt(core, context.events, type, ref, *context.as_of)
                                   : ReadResource(core, ref, true);
  if (bytes.status().code() == absl::StatusCode::kNotFound) return ConsentLedger();
  if (!bytes.ok()) return bytes.status();
  v1::ConsentLedger resource;
  if (!resource.ParseFromString(*bytes)) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of the core store cannot be read; rebuild the projection");
  }
  return ConsentAggregate::Load(resource);
}

// MOVED where the contact is an alias: the host asks again about the one it leads to.
absl::Status RefuseIfAlias(const QueryContext& context, const std::string& contact) {
  const std::string& tenant = context.caller.tenant;
  CRM_ASSIGN_OR_RETURN(const auto row, context.reading.core.rows->Get(AggregateKey(
                                           PartitionOfSubject(tenant, contact), tenant, contact)));
  v1::Contact resource;
  if (!row.has_value()) return absl::OkStatus();
  const std::string_view bytes = ResourceOfRow(*row);
  const bool read = resource.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return !read || resource.moved_to().empty() ? absl::OkStatus() : Moved(resource.moved_to());
}

// How far the contact topic was read for the answer.
Offset ReadTo(const QueryContext& context, Partition partition) {
  const Offset read_to = context.reading.core.read_to[static_cast<size_t>(partition)];
  if (!context.as_of || !context.as_of->offset) return read_to;
  return std::min(read_to, *context.as_of->offset);
}

void FillBasis(const ConsentEntry& entry, v1::ConsentBasis* basis) {
  basis->set_version(entry.version);
  SetTimestamp(entry.decided_time, basis->mutable_recorded_time());
  basis->set_wording_version(entry.wording_version);
}

}  // namespace

PreparedCommand ConsentRequests::Grant(const Caller& caller, const v1::GrantConsentRequest& request,
                                       const NameMaker& names) const {
  FieldFaults faults;
  const std::string contact = ContactOf(caller, request, names, faults);
  GrantConsent command{
      .use = ReadUse(request, faults),
      .wording_version = KeepLine("wording_version", request.wording_version(), faults),
      .expire_time = ReadExpireTime(request, faults),
      .evidence = KeepLine("evidence", request.evidence(), faults)};
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return std::make_unique<BesideContact<ConsentAggregate, GrantConsent>>(
      *types_.contact, *types_.consents, contact, std::move(command));
}

PreparedCommand ConsentRequests::Withdraw(const Caller& caller,
                                          const v1::WithdrawConsentRequest& request,
                                          const NameMaker& names) const {
  FieldFaults faults;
  const std::string contact = ContactOf(caller, request, names, faults);
  WithdrawConsent command{.use = ReadUse(request, faults),
                          .evidence = KeepLine("evidence", request.evidence(), faults)};
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return std::make_unique<BesideContact<ConsentAggregate, WithdrawConsent>>(
      *types_.contact, *types_.consents, contact, std::move(command));
}

absl::StatusOr<std::string> ConsentRequests::Subject(const Caller& caller,
                                                     const v1::CheckConsentRequest& request,
                                                     const NameMaker& names) {
  FieldFaults faults;
  std::string contact = ContactOf(caller, request, names, faults);
  ReadUse(request, faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return contact;
}

absl::StatusOr<std::string> ConsentRequests::Check(const QueryContext& context,
                                                   const v1::CheckConsentRequest& request) const {
  const std::string& contact = context.subject;
  CRM_ASSIGN_OR_RETURN(const TimeNs use_time, UseTime(context, request));
  const std::string& tenant = context.caller.tenant;
  const Partition partition = PartitionOfSubject(tenant, contact);
  const std::string name = contact + "/" + std::string(ConsentAggregate::kCollection);
  CRM_ASSIGN_OR_RETURN(const ConsentLedger ledger,
                       ReadLedger(context, *types_.consents, {partition, tenant, name}));
  if (ledger.entries.empty()) CRM_RETURN_IF_ERROR(RefuseIfAlias(context, contact));
  FieldFaults checked_by_subject;
  const auto found = ledger.entries.find(ReadUse(request, checked_by_subject));
  const ConsentEntry* entry = found == ledger.entries.end() ? nullptr : &found->second;

  v1::CheckConsentResponse response;
  response.set_state(StateOf(StateAt(entry, use_time)));
  v1::ConsentBasis* basis = response.mutable_basis();
  basis->set_ledger(name);
  basis->set_partition(partition);
  basis->set_read_to(ReadTo(context, partition));
  if (entry != nullptr) FillBasis(*entry, basis);
  if (entry != nullptr && entry->expire_time != 0) {
    SetTimestamp(entry->expire_time, response.mutable_expire_time());
  }
  SetTimestamp(use_time, response.mutable_use_time());
  return response.SerializeAsString();
}

}  // namespace crm::contact
