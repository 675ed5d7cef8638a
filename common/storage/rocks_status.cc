#include "common/storage/rocks_status.h"

#include <fmt/format.h>

#include "common/base/status.h"

namespace crm {
namespace {

bool IsDamage(const rocksdb::Status& status) {
  if (status.IsCorruption() || status.IsNotFound() || status.IsInvalidArgument()) return true;
  return status.IsPathNotFound() || status.IsNotSupported();
}

}  // namespace

absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = fmt::format("{}: {}", doing, status.ToString());
  if (IsDamage(status)) return Error(absl::StatusCode::kDataLoss, "STORAGE_DAMAGED", message);
  if (status.IsNoSpace()) {
    return Error(absl::StatusCode::kResourceExhausted, "DISK_FULL", message + ": free some space");
  }
  return Error(absl::StatusCode::kUnavailable, "STORAGE_UNAVAILABLE", message);
}

}  // namespace crm
