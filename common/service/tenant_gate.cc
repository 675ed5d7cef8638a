#include "common/service/tenant_gate.h"

#include <utility>
#include <vector>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/tenants_seen.h"

namespace crm {
namespace {

absl::Status Unknown(const std::string& tenant) {
  return Error(absl::StatusCode::kFailedPrecondition, "TENANT_UNKNOWN",
               "there is no tenant " + tenant + "; make it with crmctl --tenant " + tenant +
                   " tenant create (CreateTenant), or correct the metadata crm-tenant",
               {{"tenant", tenant}});
}

absl::Status Healing() {
  return RetryLater(absl::StatusCode::kUnavailable, "PROJECTION_REBUILDING",
                    "the projection is being rebuilt; retry later", 1000);
}

std::vector<Partition> AllPartitions() {
  std::vector<Partition> all(kPartitions);
  for (Partition p = 0; p < kPartitions; ++p) all[static_cast<size_t>(p)] = p;
  return all;
}

// A call that something else holds too.
class SharedCall final : public UnaryCall {
 public:
  explicit SharedCall(std::shared_ptr<UnaryCall> call) : call_(std::move(call)) {}
  const CallContext& context() const override { return call_->context(); }
  std::string_view request() const override { return call_->request(); }
  void Finish(absl::StatusOr<Answer> answer) override { call_->Finish(std::move(answer)); }

 private:
  const std::shared_ptr<UnaryCall> call_;
};

// Whether the core has any resource of the tenant.
absl::StatusOr<bool> HasResources(const RowReader& core, const std::string& tenant) {
  for (Partition p = 0; p < kPartitions; ++p) {
    std::string end = AggregateKey(p, tenant, "");
    const std::string begin = end;
    ++end.back();
    const auto rows = core.Scan(begin, end);
    CRM_RETURN_IF_ERROR(rows->status());
    if (rows->Valid()) return true;
  }
  return false;
}

}  // namespace

bool TenantGate::Remembers(const std::string& tenant) {
  if (tenant == kDefaultTenant) return true;
  MutexLock lock(mutex_);
  return known_.contains(tenant);
}

absl::StatusOr<bool> TenantGate::Find(const std::string& tenant) const {
  const auto core = reads_.core.serving();
  if (core == nullptr) return Healing();
  CRM_ASSIGN_OR_RETURN(const bool has_resources, HasResources(*core->store, tenant));
  if (has_resources || reads_.tenants == nullptr) return has_resources;
  const auto tenants = reads_.tenants->serving();
  if (tenants == nullptr) return Healing();
  return TenantsSeen::Has(*tenants->store, tenant);
}

absl::StatusOr<bool> TenantGate::Look(const std::string& tenant) {
  CRM_ASSIGN_OR_RETURN(const bool found, Find(tenant));
  if (!found) return false;
  MutexLock lock(mutex_);
  known_.insert(tenant);
  return true;
}

UnaryHandler TenantGate::Guard(UnaryHandler handler) {
  return [this, handler = std::make_shared<const UnaryHandler>(std::move(handler))](
             std::unique_ptr<UnaryCall> call) {
    const std::string& tenant = call->context().caller.tenant;
    if (Remembers(tenant)) return (*handler)(std::move(call));
    const absl::StatusOr<bool> known = Look(tenant);
    if (known.ok() && *known) return (*handler)(std::move(call));
    Ask(std::move(call), handler);
  };
}

void TenantGate::Ask(std::unique_ptr<UnaryCall> unary,
                     std::shared_ptr<const UnaryHandler> handler) {
  const Call call = std::move(unary);
  PositionWaits::Wait wait{{&reads_.core}, AllPartitions(), true, {}};
  if (reads_.tenants != nullptr) wait.projections.push_back(reads_.tenants);
  reads_.waits.After(call, std::move(wait), [this, call, handler = std::move(handler)] {
    const std::string& tenant = call->context().caller.tenant;
    const absl::StatusOr<bool> known = Look(tenant);
    if (!known.ok()) return call->Finish(known.status());
    if (!*known) return call->Finish(Unknown(tenant));
    (*handler)(std::make_unique<SharedCall>(call));
  });
}

}  // namespace crm
