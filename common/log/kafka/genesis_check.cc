#include "common/log/kafka/genesis_check.h"

#include <crm/common/v1/log_control.pb.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/base/status.h"
#include "common/log/kafka/topic_tip.h"

namespace crm {
namespace {

constexpr Offset kFirstLook = 4;

absl::StatusOr<LogIdentity> IdentityOf(const LogPlace& place, const std::vector<Record>& records) {
  common::v1::LogControl control;
  if (records.empty() || records.front().kind != RecordKind::kGenesis ||
      !control.ParseFromString(records.front().value)) {
    return Error(absl::StatusCode::kFailedPrecondition, "FIRST_RECORD",
                 fmt::format("the first record of {} partition {} is none of this system's: the "
                             "topic belongs to somebody else, name another or delete it",
                             place.topic, place.partition),
                 {{"topic", place.topic}, {"partition", std::to_string(place.partition)}});
  }
  return LogIdentity{control.genesis().log_id(), control.genesis().secret_check(), 0};
}

// What one record tells of the epoch; the fence that leads to an ownership record, where it has
// one.
struct EpochClue {
  int64_t epoch = 0;
  Offset fence = kNoOffset;
  bool found = false;
};

EpochClue ClueOf(const Record& record) {
  EpochClue clue;
  if (record.kind == RecordKind::kForeign) return clue;
  clue.found = true;
  if (record.kind == RecordKind::kEvent || record.kind == RecordKind::kRelease) {
    clue.fence = record.fence;
    return clue;
  }
  common::v1::LogControl control;
  if (control.ParseFromString(record.value)) {
    clue.epoch = std::max(control.own().epoch(), control.epoch().number());
  }
  return clue;
}

}  // namespace

std::vector<LogPlace> PlacesOf(const std::vector<std::string>& topics) {
  std::vector<LogPlace> places;
  for (const std::string& topic : topics) {
    for (Partition p = 0; p < kPartitions; ++p) places.push_back({topic, p});
  }
  return places;
}

absl::StatusOr<std::vector<std::optional<LogIdentity>>> ReadGenesis(
    BrokerQueries& queries, const std::vector<LogPlace>& places, const std::vector<Offset>& ends,
    TimeNs patience) {
  CRM_ASSIGN_OR_RETURN(const auto begins, queries.Begins(places, patience));
  std::vector<LogRange> ranges;
  for (size_t i = 0; i < places.size(); ++i) {
    if (begins[i] > 0) return LogTrimmed(places[i].topic, places[i].partition, begins[i]);
    ranges.push_back({places[i], 0, std::min<Offset>(1, ends[i])});
  }
  CRM_ASSIGN_OR_RETURN(const auto records, queries.Read(ranges, patience));
  std::vector<std::optional<LogIdentity>> identities(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    if (ends[i] == 0) continue;
    CRM_ASSIGN_OR_RETURN(identities[i], IdentityOf(places[i], records[i]));
  }
  return identities;
}

absl::StatusOr<LogIdentity> OneIdentity(const std::vector<LogPlace>& places,
                                        const std::vector<std::optional<LogIdentity>>& identities) {
  for (size_t i = 0; i < places.size(); ++i) {
    const LogPlace& place = places[i];
    if (!identities[i].has_value()) {
      return Error(absl::StatusCode::kNotFound, "TOPIC_MISSING",
                   fmt::format("{} partition {} has no first record yet: complete the topics with "
                               "`crmctl topics create`, or start with --create-topics",
                               place.topic, place.partition),
                   {{"topic", place.topic}});
    }
    if (identities[i]->log_id == identities[0]->log_id) continue;
    return Error(
        absl::StatusCode::kFailedPrecondition, "LOGS_MIXED",
        fmt::format("{} partition {} belongs to log {}, {} to log {}: topics of one system "
                    "are made together; restore them from one copy",
                    place.topic, place.partition, identities[i]->log_id, places[0].topic,
                    identities[0]->log_id),
        {{"topic", place.topic}});
  }
  return *identities[0];
}

absl::Status CheckSecret(const LogIdentity& identity, const std::string& secret_check) {
  if (secret_check.empty() || identity.secret_check == secret_check) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "SECRET_MISMATCH",
               "the secret is not the one this log was made with: all processes of a system share "
               "one secret file; mount the right one");
}

// The last records of a partition are looked at, and if all of them are somebody else's, more.
absl::StatusOr<int64_t> FindEpoch(BrokerQueries& queries, const std::vector<LogPlace>& places,
                                  const std::vector<Offset>& ends, TimeNs patience) {
  int64_t epoch = 0;
  std::vector<LogRange> fences;
  std::vector<bool> settled(places.size(), false);
  for (Offset back = kFirstLook; true; back *= 8) {
    std::vector<LogRange> ranges;
    std::vector<size_t> which;
    for (size_t i = 0; i < places.size(); ++i) {
      if (settled[i]) continue;
      ranges.push_back({places[i], std::max<Offset>(0, ends[i] - back), ends[i]});
      which.push_back(i);
      if (ranges.back().from == 0) settled[i] = true;
    }
    if (ranges.empty()) break;
    CRM_ASSIGN_OR_RETURN(const auto records, queries.Read(ranges, patience));
    for (size_t r = 0; r < ranges.size(); ++r) {
      for (const Record& record : records[r]) {
        const EpochClue clue = ClueOf(record);
        epoch = std::max(epoch, clue.epoch);
        if (!clue.found) continue;
        settled[which[r]] = true;
        if (clue.fence < 0 || clue.fence >= ranges[r].from) continue;
        const LogRange fence{places[which[r]], clue.fence, clue.fence + 1};
        const bool known = !fences.empty() && fences.back().place.topic == fence.place.topic &&
                           fences.back().place.partition == fence.place.partition;
        if (!known) fences.push_back(fence);
        fences.back() = fence;
      }
    }
  }
  CRM_ASSIGN_OR_RETURN(const auto owns, queries.Read(fences, patience));
  for (const auto& records : owns) {
    for (const Record& record : records) epoch = std::max(epoch, ClueOf(record).epoch);
  }
  return epoch;
}

}  // namespace crm
