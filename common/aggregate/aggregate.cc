#include "common/aggregate/aggregate.h"

#include <google/protobuf/timestamp.pb.h>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/base/timestamp.h"

namespace crm {
namespace {

// What stands before the resource:
//
//   version (varint) · create time (varint) · update time less that (varint)
//   request id of the birth (sized) · its payload HMAC (sized), only where the id is not empty
struct Head {
  uint64_t version = 0;
  uint64_t created = 0;
  uint64_t updated = 0;
  std::string_view request_id;
  std::string_view payload_hmac;
};

// Takes the head off `row`.
bool ReadHead(std::string_view* row, Head* head) {
  return ReadVarint(row, &head->version) && ReadVarint(row, &head->created) &&
         ReadVarint(row, &head->updated) && ReadSized(row, &head->request_id) &&
         (head->request_id.empty() || ReadSized(row, &head->payload_hmac));
}

void AppendHead(std::string* row, const Head& head) {
  AppendVarint(row, head.version);
  AppendVarint(row, head.created);
  AppendVarint(row, head.updated);
  AppendSized(row, head.request_id);
  if (!head.request_id.empty()) AppendSized(row, head.payload_hmac);
}

absl::Status Unreadable() {
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
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
  AppendHead(&row, {static_cast<uint64_t>(info_.version), static_cast<uint64_t>(info_.create_time),
                    static_cast<uint64_t>(info_.update_time - info_.create_time), birth_.request_id,
                    birth_.payload_hmac});
  RenderTo(&row);
  return row;
}

absl::Status Aggregate::FromRow(std::string_view row) {
  Head head;
  if (!ReadHead(&row, &head) || !Parse(row)) return Unreadable();
  info_.version = static_cast<int64_t>(head.version);
  info_.create_time = static_cast<TimeNs>(head.created);
  info_.update_time = static_cast<TimeNs>(head.created + head.updated);
  birth_ = {std::string(head.request_id), std::string(head.payload_hmac)};
  return absl::OkStatus();
}

std::string Aggregate::Render() const {
  std::string resource;
  RenderTo(&resource);
  return resource;
}

std::string_view ResourceOfRow(std::string_view row) {
  Head head;
  return ReadHead(&row, &head) ? row : std::string_view();
}

absl::StatusOr<Birth> BirthOfRow(std::string_view row) {
  Head head;
  if (!ReadHead(&row, &head)) return Unreadable();
  return Birth{std::string(head.request_id), std::string(head.payload_hmac)};
}

std::string WithoutBirth(std::string_view row) {
  Head head;
  std::string without;
  if (!ReadHead(&row, &head)) return without;
  head.request_id = head.payload_hmac = {};
  AppendHead(&without, head);
  return without.append(row);
}

}  // namespace crm
