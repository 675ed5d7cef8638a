#include "common/service/operation_calls.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/list_page.h"
#include "common/rpc/validate.h"

namespace crm {
namespace {

using google::longrunning::GetOperationRequest;
using google::longrunning::ListOperationsRequest;
using google::longrunning::ListOperationsResponse;
using google::longrunning::Operation;
using google::longrunning::WaitOperationRequest;

// So that an answer still reaches a caller who gives up.
constexpr TimeNs kAnswerMargin = 20 * kMillisecond;

absl::Status Healing() {
  return RetryLater(absl::StatusCode::kUnavailable, "PROJECTION_REBUILDING",
                    "the projection is being rebuilt; retry later", 1000);
}

// "operations" of "operations/*".
std::string CollectionOf(const OperationMethods& methods) {
  return methods.pattern.substr(0, methods.pattern.rfind('/'));
}

absl::StatusOr<ResourceRef> RefOf(const UnaryCall& call, const OperationMethods& methods,
                                  const std::string& name) {
  CRM_RETURN_IF_ERROR(CheckResourceName(methods.pattern, name));
  const std::string& tenant = call.context().caller.tenant;
  return ResourceRef{PartitionOfSubject(tenant, SubjectOf(name)), tenant, name};
}

// As long as the request says; without, as long as the call may take.
absl::StatusOr<TimeNs> Until(const WaitOperationRequest& request, TimeNs now, TimeNs deadline) {
  const TimeNs latest = deadline - kAnswerMargin;
  if (!request.has_timeout()) return latest;
  const auto& timeout = request.timeout();
  if (timeout.seconds() < 0 || timeout.nanos() < 0) {
    return InvalidField("timeout", "must not be negative");
  }
  if (timeout.seconds() >= (latest - now) / kSecond) return latest;
  return std::min(latest, now + timeout.seconds() * kSecond + timeout.nanos());
}

bool IsDone(const std::string& resource) {
  Operation operation;
  return operation.ParseFromString(resource) && operation.done();
}

std::vector<Partition> AllPartitions() {
  std::vector<Partition> all;
  for (Partition p = 0; p < kPartitions; ++p) all.push_back(p);
  return all;
}

}  // namespace

void OperationCalls::Get(std::unique_ptr<UnaryCall> unary) const {
  const Call call = std::move(unary);
  GetOperationRequest request;
  absl::Status status = ParseAndValidate(call->request(), &request);
  if (!status.ok()) return call->Finish(std::move(status));
  auto ref = RefOf(*call, of_.methods, request.name());
  if (!ref.ok()) return call->Finish(ref.status());
  AnswerWhenDone(call, *ref, std::numeric_limits<TimeNs>::min());
}

void OperationCalls::Wait(std::unique_ptr<UnaryCall> unary) const {
  const Call call = std::move(unary);
  WaitOperationRequest request;
  absl::Status status = ParseAndValidate(call->request(), &request);
  if (!status.ok()) return call->Finish(std::move(status));
  auto ref = RefOf(*call, of_.methods, request.name());
  if (!ref.ok()) return call->Finish(ref.status());
  const auto until = Until(request, of_.clock.Monotonic(), call->context().deadline);
  if (!until.ok()) return call->Finish(until.status());
  AnswerWhenDone(call, *ref, *until);
}

void OperationCalls::AnswerWhenDone(const Call& call, const ResourceRef& ref, TimeNs until) const {
  of_.waits.After(call, {{&of_.core}, {ref.partition}, call->context().strong, {}},
                  [this, call, ref, until] { Look(call, ref, until); });
}

void OperationCalls::Look(const Call& call, const ResourceRef& ref, TimeNs until) const {
  const auto serving = of_.core.serving();
  if (serving == nullptr) return call->Finish(Healing());
  if (absl::Status fault = of_.core.tracker().Check(ref.partition); !fault.ok()) {
    return call->Finish(std::move(fault));
  }
  // Taken before the read: what is read is at least this new.
  const Offset read_to = of_.core.tracker().Get(ref.partition);
  absl::StatusOr<std::string> resource = ReadResource(*serving->store, ref, true);
  if (!resource.ok()) return call->Finish(of_.translate(resource.status()));
  if (of_.clock.Monotonic() >= until || IsDone(*resource)) {
    return call->Finish(Answer{*std::move(resource), of_.tokens.Make(ref.partition, read_to)});
  }
  // Something new in its partition may be the operation's end. On the queue, as the thread that
  // reaches it has other work.
  of_.core.tracker().WhenReached({{ref.partition, read_to + 1}}, until, [=, this](bool reached) {
    const TimeNs next = reached ? until : std::numeric_limits<TimeNs>::min();
    OnQueue(call, [=, this] { Look(call, ref, next); });
  });
}

void OperationCalls::List(std::unique_ptr<UnaryCall> unary) const {
  const Call call = std::move(unary);
  ListOperationsRequest request;
  absl::Status status = ParseAndValidate(call->request(), &request);
  if (!status.ok()) return call->Finish(std::move(status));
  FieldFaults faults;
  const std::string collection = CollectionOf(of_.methods);
  if (!request.name().empty() && request.name() != collection) {
    faults.Add("name", "must be " + collection + ", or empty");
  }
  if (!request.filter().empty()) faults.Add("filter", "is not supported; leave it empty");
  if (!faults.empty()) return call->Finish(faults.ToStatus());
  of_.waits.After(call, {{&of_.core}, AllPartitions(), call->context().strong, {}},
                  [this, call, request] {
                    OnQueue(call, [this, call, request] { AnswerList(call, request); });
                  });
}

void OperationCalls::AnswerList(const Call& call, const ListOperationsRequest& request) const {
  const auto serving = of_.core.serving();
  if (serving == nullptr) return call->Finish(Healing());
  std::vector<PositionTokens::Part> parts;
  for (Partition p = 0; p < kPartitions; ++p) {
    if (absl::Status fault = of_.core.tracker().Check(p); !fault.ok()) {
      return call->Finish(std::move(fault));
    }
    parts.push_back({of_.core.log().topic(), p, of_.core.tracker().Get(p)});
  }
  auto response = ReadList(*serving->store, call->context().caller.tenant, request);
  if (!response.ok()) return call->Finish(of_.translate(response.status()));
  call->Finish(Answer{*std::move(response), of_.tokens.Make(parts)});
}

absl::StatusOr<std::string> OperationCalls::ReadList(const RowReader& core,
                                                     const std::string& tenant,
                                                     const ListOperationsRequest& request) const {
  CRM_ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  const std::string query = QueryHash(tenant, "ListOperations", {});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), of_.secret));
  const std::string collection = CollectionOf(of_.methods) + "/";
  MergedRows rows(
      core, [&](Partition p) { return AggregateKey(p, tenant, collection); }, after);
  ListOperationsResponse response;
  std::string last;
  for (; rows.Valid() && response.operations_size() < size; rows.Next()) {
    last = std::string(rows.place());
    const std::string_view bytes = ResourceOfRow(rows.value());
    if (!response.add_operations()->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                   "a row of the core store cannot be read; rebuild the projection");
    }
  }
  CRM_RETURN_IF_ERROR(rows.status());
  if (rows.Valid()) {
    response.set_next_page_token(SealPageToken(query, last, of_.secret, of_.random));
  }
  return response.SerializeAsString();
}

void OperationCalls::OnQueue(const Call& call, std::function<void()> work) const {
  if (of_.queries.Add(std::move(work))) return;
  call->Finish(RetryLater(absl::StatusCode::kResourceExhausted, "QUERIES_QUEUED",
                          "too many queries are waiting; retry later", 100));
}

}  // namespace crm
