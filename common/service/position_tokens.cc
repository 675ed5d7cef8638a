#include "common/service/position_tokens.h"

#include <algorithm>

#include "common/base/status.h"
#include "crm/common/v1/position.pb.h"

namespace crm {
namespace {

constexpr char kPurpose[] = "position";

}  // namespace

std::string MergePositions(const Secret& secret, Random& random,
                           const std::vector<std::string>& tokens) {
  common::v1::PositionToken merged;
  // Places in `merged`.
  absl::flat_hash_map<std::pair<std::string, int>, int> places;
  for (const std::string& sealed : tokens) {
    const auto bytes = secret.OpenToken(kPurpose, sealed);
    common::v1::PositionToken token;
    if (!bytes.ok() || !token.ParseFromString(*bytes)) continue;
    if (token.log_id() != merged.log_id() || token.epoch() != merged.epoch()) {
      merged.clear_parts();
      places.clear();
      merged.set_log_id(token.log_id());
      merged.set_epoch(token.epoch());
    }
    for (const auto& part : token.parts()) {
      const auto [place, added] =
          places.try_emplace({part.topic(), part.partition()}, merged.parts_size());
      if (added) *merged.add_parts() = part;
      auto* known = merged.mutable_parts(place->second);
      known->set_offset(std::max(known->offset(), part.offset()));
    }
  }
  if (merged.parts().empty()) return "";
  return secret.SealToken(kPurpose, merged.SerializeAsString(), random);
}

std::string PositionTokens::Make(Partition partition, Offset offset) {
  auto& latest = latest_[static_cast<size_t>(partition)];
  {
    MutexLock lock(mutex_);
    if (latest.first == offset && !latest.second.empty()) return latest.second;
  }
  std::string token = Make({Part{topic_, partition, offset}});
  MutexLock lock(mutex_);
  latest = {offset, token};
  return token;
}

std::string PositionTokens::Make(const std::vector<Part>& parts) {
  common::v1::PositionToken token;
  token.set_log_id(identity_.log_id);
  token.set_epoch(identity_.epoch);
  for (const Part& each : parts) {
    auto* part = token.add_parts();
    part->set_topic(std::string(each.topic));
    part->set_partition(each.partition);
    part->set_offset(each.offset);
  }
  return secret_.SealToken(kPurpose, token.SerializeAsString(), random_);
}

absl::StatusOr<PositionTokens::TargetsByTopic> PositionTokens::Open(
    const std::vector<std::string>& tokens) const {
  absl::flat_hash_map<std::string, std::array<Offset, kPartitions>> greatest;
  for (const std::string& sealed : tokens) {
    CRM_ASSIGN_OR_RETURN(const std::string bytes, secret_.OpenToken(kPurpose, sealed));
    common::v1::PositionToken token;
    if (!token.ParseFromString(bytes)) {
      return Error(absl::StatusCode::kInvalidArgument, "TOKEN_INVALID", "malformed position token");
    }
    if (token.log_id() != identity_.log_id || token.epoch() != identity_.epoch) {
      return Error(absl::StatusCode::kOutOfRange, "POSITION_OF_ANOTHER_LOG",
                   "the position belongs to another log, or to a time before the log was restored; "
                   "read again without it");
    }
    for (const auto& part : token.parts()) {
      if (part.partition() < 0 || part.partition() >= kPartitions) continue;
      Offset& offset = greatest[part.topic()][static_cast<size_t>(part.partition())];
      offset = std::max(offset, static_cast<Offset>(part.offset()));
    }
  }
  TargetsByTopic targets;
  for (const auto& [topic, offsets] : greatest) {
    for (Partition p = 0; p < kPartitions; ++p) {
      const Offset offset = offsets[static_cast<size_t>(p)];
      if (offset > 0) targets[topic].emplace_back(p, offset);
    }
  }
  return targets;
}

}  // namespace crm
