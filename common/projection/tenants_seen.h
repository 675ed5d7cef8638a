#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/projection/projection.h"

namespace crm {

// Which tenants a topic has events of: those that were created, and those that are in its log
// without. Reads of each record no more than its key, once its tenant was seen in the partition.
//
//   key                       value
//   't' tenant                "1"
class TenantsSeen final : public Projection {
 public:
  static constexpr std::string_view kName = "tenants";

  // Whether any partition has seen it.
  static absl::StatusOr<bool> Has(const RowReader& rows, std::string_view tenant);

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;
};

}  // namespace crm
