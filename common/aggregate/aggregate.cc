#include "common/aggregate/aggregate.h"

#include <google/protobuf/timestamp.pb.h>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"

namespace crm {
namespace {

bool ReadInfo(std::string_view* row, AggregateInfo* info) {
  uint64_t version, created, updated;
  if (!ReadVarint(row, &version) || !ReadVarint(row, &created) || !ReadVarint(row, &updated)) {
    return false;
  }
  info->version = static_cast<int64_t>(version);
  info->create_time = static_cast<TimeNs>(created);
  info->update_time = static_cast<TimeNs>(created + updated);
  return true;
}

}  // namespace

void Aggregate::Apply(const Event& event) {
  const TimeNs recorded = ToTimeNs(event.metadata->recorded_time());
  if (info_.version == 0) info_.create_time = recorded;
  info_.update_time = recorded;
  ++info_.version;
  Evolve(event);
}

std::string Aggregate::ToRow() const {
  std::string row;
  AppendVarint(&row, static_cast<uint64_t>(info_.version));
  AppendVarint(&row, static_cast<uint64_t>(info_.create_time));
  AppendVarint(&row, static_cast<uint64_t>(info_.update_time - info_.create_time));
  RenderTo(&row);
  return row;
}

absl::Status Aggregate::FromRow(std::string_view row) {
  if (!ReadInfo(&row, &info_) || !Parse(row)) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of the core store cannot be read; rebuild the projection");
  }
  return absl::OkStatus();
}

std::string Aggregate::Render() const {
  std::string resource;
  RenderTo(&resource);
  return resource;
}

std::string_view ResourceOfRow(std::string_view row) {
  AggregateInfo info;
  return ReadInfo(&row, &info) ? row : std::string_view();
}

}  // namespace crm
