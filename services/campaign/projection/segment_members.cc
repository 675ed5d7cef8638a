#include "services/campaign/projection/segment_members.h"

#include <algorithm>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/campaign/v1/audience_rows.pb.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/projection/audience_fold.h"
#include "services/campaign/projection/row_keys.h"
#include "services/campaign/projection/view_rows.h"

namespace crm::campaign {
namespace {

using v1::CampaignRecord;
using v1::MembershipsRow;
using v1::ReachEvent;

constexpr char kMember = 'e';
constexpr char kMemberships = 'c';

class MembersFold final : public AudienceFold {
 public:
  MembersFold(Partition partition, Rows& rows)
      : AudienceFold(partition, rows), partition_(partition), rows_(rows) {}

 private:
  absl::Status ApplyOne(const Whose& whose, const Event& event) override {
    if (event.aggregate_field != CampaignRecord::kReachFieldNumber) return absl::OkStatus();
    const auto& reach = static_cast<const ReachEvent&>(*event.aggregate_event);
    if (reach.has_segment_entered()) {
      return Enter(whose, std::string(LastIdOf(reach.segment_entered().segment())));
    }
    if (reach.has_segment_left()) {
      return Leave(whose, std::string(LastIdOf(reach.segment_left().segment())));
    }
    return reach.has_erased() ? Forget(whose) : absl::OkStatus();
  }

  absl::Status Forget(const Whose& whose) override {
    CRM_ASSIGN_OR_RETURN(const MembershipsRow row, Get(whose));
    for (const std::string& segment : row.segments()) rows_.Delete(MemberKey(whose, segment));
    rows_.Delete(Key(whose));
    return absl::OkStatus();
  }

  absl::Status Enter(const Whose& whose, std::string segment) {
    CRM_ASSIGN_OR_RETURN(MembershipsRow row, Get(whose));
    auto& segments = *row.mutable_segments();
    const auto at = std::lower_bound(segments.begin(), segments.end(), segment);
    if (at != segments.end() && *at == segment) return absl::OkStatus();
    const auto index = at - segments.begin();
    rows_.Put(MemberKey(whose, segment), "");
    *segments.Add() = std::move(segment);
    std::rotate(segments.begin() + index, segments.end() - 1, segments.end());
    rows_.Put(Key(whose), row.SerializeAsString());
    return absl::OkStatus();
  }

  absl::Status Leave(const Whose& whose, const std::string& segment) {
    CRM_ASSIGN_OR_RETURN(MembershipsRow row, Get(whose));
    auto& segments = *row.mutable_segments();
    const auto at = std::find(segments.begin(), segments.end(), segment);
    if (at == segments.end()) return absl::OkStatus();
    segments.erase(at);
    rows_.Delete(MemberKey(whose, segment));
    segments.empty() ? rows_.Delete(Key(whose)) : rows_.Put(Key(whose), row.SerializeAsString());
    return absl::OkStatus();
  }

  absl::StatusOr<MembershipsRow> Get(const Whose& whose) {
    CRM_ASSIGN_OR_RETURN(auto row, ReadRow<MembershipsRow>(rows_, Key(whose)));
    return std::move(row).value_or(MembershipsRow());
  }

  std::string Key(const Whose& whose) const {
    return TenantKey(partition_, kMemberships, whose.tenant, whose.id);
  }
  std::string MemberKey(const Whose& whose, std::string_view segment) const {
    return OwnedKey(partition_, kMember, whose.tenant, segment, whose.id);
  }

  const Partition partition_;
  Rows& rows_;
};

}  // namespace

std::unique_ptr<Fold> SegmentMembers::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<MembersFold>(partition, rows);
}

std::string SegmentMembers::BusinessLine(std::string_view key, std::string_view) const {
  if (key.size() < 2 || key[1] != kMember) return "";
  std::string line(key.substr(2));
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

std::string SegmentMembers::ListPrefix(Partition partition, std::string_view tenant,
                                       std::string_view segment) {
  return OwnedKey(partition, kMember, tenant, LastIdOf(segment), "");
}

absl::StatusOr<MembersChunk> ReadMembers(const RowReader& rows, Partition partition,
                                         std::string_view tenant, std::string_view segment,
                                         std::string_view after, int limit) {
  const std::string prefix = SegmentMembers::ListPrefix(partition, tenant, segment);
  std::string begin = prefix;
  if (!after.empty()) begin.append(ContactIdOf(after)).push_back('\0');
  MembersChunk chunk;
  auto at = rows.Scan(begin, PrefixEnd(prefix));
  for (; at->Valid() && static_cast<int>(chunk.contacts.size()) < limit; at->Next()) {
    chunk.contacts.push_back(std::string(kContacts).append(at->key().substr(prefix.size())));
  }
  CRM_RETURN_IF_ERROR(at->status());
  chunk.complete = !at->Valid();
  return chunk;
}

}  // namespace crm::campaign
