#include "common/service/position_tokens.h"

#include <algorithm>

#include "common/base/status.h"
#include "crm/common/v1/position.pb.h"

namespace crm {
namespace {

constexpr char kPurpose[] = "position";

}  // namespace

std::string MergePositions(const Secret& secret, Random& random, const std::string& one,
                           const std::string& other) {
  const auto first = secret.OpenToken(kPurpose, one);
  const auto second = secret.OpenToken(kPurpose, other);
  common::v1::PositionToken merged, more;
  if (!first.ok() || !merged.ParseFromString(*first)) return other;
  if (!second.ok() || !more.ParseFromString(*second)) return one;
  if (merged.log_id() != more.log_id() || merged.epoch() != more.epoch()) return other;
  for (const auto& part : more.parts()) {
    const auto known = std::find_if(
        merged.mutable_parts()->begin(), merged.mutable_parts()->end(), [&part](const auto& each) {
          return each.topic() == part.topic() && each.partition() == part.partition();
        });
    if (known == merged.mutable_parts()->end()) {
      *merged.add_parts() = part;
    } else {
      known->set_offset(std::max(known->offset(), part.offset()));
    }
  }
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
