#include "common/projection/tenants_seen.h"

#include <functional>
#include <memory>
#include <set>

#include "common/base/status.h"

namespace crm {
namespace {

constexpr char kFamily = 't';

std::string Key(Partition partition, std::string_view tenant) {
  std::string key{static_cast<char>(partition), kFamily};
  key.append(tenant);
  return key;
}

class SeenFold final : public Fold {
 public:
  SeenFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  bool Skips(std::string_view record_key) const override {
    return record_key.empty() || seen_.contains(SplitKey(record_key).tenant);
  }
  absl::Status Apply(std::span<const Event> command) override {
    return Note(command.front().metadata->tenant());
  }
  // Whose events cannot be read is there, too.
  absl::Status Unreadable(std::string_view tenant, std::string_view, Offset,
                          const absl::Status&) override {
    return Note(tenant);
  }
  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  absl::Status Note(std::string_view tenant) {
    if (tenant.empty() || !seen_.insert(std::string(tenant)).second) return absl::OkStatus();
    std::string key = Key(partition_, tenant);
    CRM_ASSIGN_OR_RETURN(const auto row, rows_.Get(key));
    if (!row.has_value()) rows_.Put(std::move(key), "1");
    return absl::OkStatus();
  }

  const Partition partition_;
  Rows& rows_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace

absl::StatusOr<bool> TenantsSeen::Has(const RowReader& rows, std::string_view tenant) {
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(const auto row, rows.Get(Key(p, tenant)));
    if (row.has_value()) return true;
  }
  return false;
}

std::unique_ptr<Fold> TenantsSeen::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<SeenFold>(partition, rows);
}

std::string TenantsSeen::BusinessLine(std::string_view key, std::string_view) const {
  if (key.size() < 2 || key[1] != kFamily) return "";
  return "tenant " + std::string(key.substr(2));
}

}  // namespace crm
