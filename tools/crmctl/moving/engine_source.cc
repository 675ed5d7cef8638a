#include "tools/crmctl/moving/engine_source.h"

#include "common/base/status.h"

namespace crm::crmctl {
namespace {

// A log that gives nothing for so long does not give the rest.
constexpr TimeNs kPatience = 30 * kSecond;

absl::Status GivesNothing(Log& log, Partition partition, Offset from) {
  return Error(absl::StatusCode::kUnavailable, "LOG_SILENT",
               fmt::format("{} partition {}: nothing came from offset {} on for {} s; try again",
                           log.topic(), partition, from, kPatience / kSecond));
}

}  // namespace

absl::Status ReadThrough(Log& log, Partition partition, Offset from, Offset to,
                         const LogContents::Each& each) {
  if (from >= to) return absl::OkStatus();
  CRM_ASSIGN_OR_RETURN(const auto tail, log.OpenTail({{partition, from}}));
  while (from < to) {
    CRM_ASSIGN_OR_RETURN(TailBatch batch, tail->Poll(kPatience));
    if (batch.records.empty()) return GivesNothing(log, partition, from);
    while (batch.records.back().offset >= to) batch.records.pop_back();
    from = batch.records.back().offset + 1;
    CRM_RETURN_IF_ERROR(each(batch.records));
  }
  return absl::OkStatus();
}

absl::StatusOr<EngineSource> EngineSource::Of(std::string name, LogIdentity identity,
                                              const std::vector<Log*>& logs) {
  EngineSource source(std::move(name), std::move(identity));
  for (Log* log : logs) {
    Topic topic{log, {}};
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_ASSIGN_OR_RETURN(topic.ends[static_cast<size_t>(p)], log->EndOffset(p));
    }
    source.topics_.emplace(log->topic(), topic);
  }
  return source;
}

std::vector<std::string> EngineSource::topics() const {
  std::vector<std::string> names;
  for (const auto& topic : topics_) names.push_back(topic.first);
  return names;
}

absl::StatusOr<Offset> EngineSource::End(const LogPlace& place) {
  const auto topic = topics_.find(place.topic);
  return topic == topics_.end() ? 0 : topic->second.ends[static_cast<size_t>(place.partition)];
}

absl::Status EngineSource::Read(const LogPlace& place, Offset from, Offset to, const Each& each) {
  return ReadThrough(*topics_.at(place.topic).log, place.partition, from, to, each);
}

}  // namespace crm::crmctl
