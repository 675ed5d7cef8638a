#include "services/contact/api/tenant_options.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/aggregate/core_rows.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "services/contact/api/tenants.h"

namespace crm::contact {
namespace {

// Where more tenants than this have settings, they are read anew now and then.
constexpr size_t kMaxKept = 4096;

}  // namespace

class TenantOptions::Cache {
 public:
  explicit Cache(ContactOptions server)
      : server_(std::make_shared<const ContactOptions>(std::move(server))) {}

  const Shared& server() const { return server_; }

  // Null where it was read of other settings, or never.
  Shared Find(const std::string& tenant, std::string_view settings) {
    MutexLock lock(mutex_);
    const auto found = kept_.find(tenant);
    const bool same = found != kept_.end() && found->second.settings == settings;
    return same ? found->second.options : nullptr;
  }

  void Keep(const std::string& tenant, std::string_view settings, Shared options) {
    MutexLock lock(mutex_);
    if (kept_.size() >= kMaxKept) kept_.clear();
    kept_[tenant] = {std::string(settings), std::move(options)};
  }

 private:
  struct Entry {
    std::string settings;
    Shared options;
  };

  const Shared server_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> kept_;
};

namespace {

ContactOptions Merged(const v1::Tenant& tenant, ContactOptions options) {
  TenantSettings settings = ReadSettings(tenant);
  if (!settings.default_region.empty()) options.default_region = settings.default_region;
  if (!settings.default_language.empty()) options.default_language = settings.default_language;
  options.custom_fields = std::move(settings.custom_fields);
  auto survivorship = std::make_shared<Survivorship>();
  for (SourceOrder& rule : settings.survivorship) {
    survivorship->rules.push_back({std::move(rule.fields), std::move(rule.sources)});
  }
  options.survivorship = std::move(survivorship);
  options.settings_version = std::stoll(tenant.etag());
  return options;
}

}  // namespace

TenantOptions::TenantOptions(ContactOptions server)
    : cache_(std::make_shared<Cache>(std::move(server))) {}

absl::StatusOr<TenantOptions::Shared> TenantOptions::Of(const CommandContext& context) const {
  return Of(context.caller.tenant, context.settings);
}

absl::StatusOr<TenantOptions::Shared> TenantOptions::Of(const QueryContext& context) const {
  const std::string& tenant = context.caller.tenant;
  const std::string name = TenantName(tenant);
  CRM_ASSIGN_OR_RETURN(const auto row, context.reading.core.rows->Get(AggregateKey(
                                           PartitionOfSubject(tenant, name), tenant, name)));
  return Of(tenant, row.has_value() ? ResourceOfRow(*row) : std::string_view());
}

absl::StatusOr<TenantOptions::Shared> TenantOptions::Of(const std::string& tenant,
                                                        std::string_view settings) const {
  if (settings.empty()) return cache_->server();
  if (Shared kept = cache_->Find(tenant, settings)) return kept;
  v1::Tenant resource;
  if (!resource.ParseFromArray(settings.data(), static_cast<int>(settings.size()))) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "the settings of the tenant cannot be read; rebuild the projection");
  }
  auto merged = std::make_shared<const ContactOptions>(Merged(resource, *cache_->server()));
  cache_->Keep(tenant, settings, merged);
  return merged;
}

}  // namespace crm::contact
