#include "services/campaign/projection/segments.h"

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/campaign/v1/audience_rows.pb.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/projection/row_keys.h"
#include "services/campaign/projection/view_rows.h"

namespace crm::campaign {
namespace {

using v1::CampaignRecord;
using v1::SegmentEvent;

constexpr char kSegment = 'g';
constexpr char kRevision = 'r';

class SegmentsFold final : public Fold {
 public:
  SegmentsFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    for (const Event& event : command) {
      if (event.aggregate_field != CampaignRecord::kSegmentFieldNumber) continue;
      CRM_RETURN_IF_ERROR(ApplyOne(event));
    }
    return absl::OkStatus();
  }

  // A segment that cannot be read any more stays as it was: who is in it, stays too.
  absl::Status Unreadable(std::string_view, std::string_view, Offset,
                          const absl::Status&) override {
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  absl::Status ApplyOne(const Event& event) {
    std::string key = TenantKey(partition_, kSegment, event.metadata->tenant(),
                                LastIdOf(event.metadata->aggregate()));
    CRM_ASSIGN_OR_RETURN(auto found, ReadRow<v1::SegmentRow>(rows_, key));
    v1::SegmentRow row = found.value_or(v1::SegmentRow());
    const auto& segment = static_cast<const SegmentEvent&>(*event.aggregate_event);
    if (segment.has_renamed()) return absl::OkStatus();
    if (segment.has_defined() && !found) {
      row.set_kind(segment.defined().kind());
      row.set_filter(segment.defined().filter());
    }
    if (segment.has_deleted()) row.set_deleted(true);
    rows_.Put(std::move(key), row.SerializeAsString());
    std::string revision;
    AppendBe64(&revision, static_cast<uint64_t>(event.offset));
    rows_.Put(Segments::RevisionKey(partition_), std::move(revision));
    return absl::OkStatus();
  }

  const Partition partition_;
  Rows& rows_;
};

// A filter that cannot be parsed was let in by rules of another time: nobody is in the segment by
// it, and who is in it, stays.
SegmentDefinition DefinitionOf(const v1::SegmentRow& row) {
  auto filter = ParseFilter(row.filter());
  if (!filter.ok()) return {.kind = row.kind(), .deleted = true};
  return {.kind = row.kind(), .filter = *std::move(filter), .deleted = row.deleted()};
}

absl::StatusOr<std::shared_ptr<const TenantSegments>> ReadSegments(const RowReader& rows,
                                                                   std::string_view tenant) {
  std::map<std::string, SegmentDefinition, std::less<>> definitions;
  for (Partition p = 0; p < kPartitions; ++p) {
    const std::string prefix = Segments::ListPrefix(p, tenant);
    auto at = rows.Scan(prefix, PrefixEnd(prefix));
    for (; at->Valid(); at->Next()) {
      v1::SegmentRow row;
      row.ParseFromArray(at->value().data(), static_cast<int>(at->value().size()));
      definitions.emplace(std::string(kSegments).append(at->key().substr(prefix.size())),
                          DefinitionOf(row));
    }
    CRM_RETURN_IF_ERROR(at->status());
  }
  return std::make_shared<const TenantSegments>(std::move(definitions));
}

}  // namespace

std::unique_ptr<Fold> Segments::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<SegmentsFold>(partition, rows);
}

std::string Segments::BusinessLine(std::string_view key, std::string_view value) const {
  if (key.size() < 2 || key[1] != kSegment) return "";
  return BusinessLineOf<v1::SegmentRow>(key, value);
}

std::string Segments::ListPrefix(Partition partition, std::string_view tenant) {
  return TenantKey(partition, kSegment, tenant, "");
}
std::string Segments::RevisionKey(Partition partition) {
  return FamilyKey(partition, kRevision);
}

absl::StatusOr<std::shared_ptr<const TenantSegments>> SegmentCatalogue::Get(
    const RowReader& rows, std::string_view tenant) {
  // Revisions before definitions: what is kept is at least as new as its revision.
  Revision revision;
  for (Partition p = 0; p < kPartitions; ++p) {
    CRM_ASSIGN_OR_RETURN(auto row, rows.Get(Segments::RevisionKey(p)));
    revision[static_cast<size_t>(p)] = std::move(row).value_or("");
  }
  {
    MutexLock lock(mutex_);
    const auto known = entries_.find(tenant);
    if (known != entries_.end() && known->second.revision == revision) {
      return known->second.segments;
    }
  }
  CRM_ASSIGN_OR_RETURN(auto segments, ReadSegments(rows, tenant));
  MutexLock lock(mutex_);
  entries_[std::string(tenant)] = {std::move(revision), segments};
  return segments;
}

}  // namespace crm::campaign
