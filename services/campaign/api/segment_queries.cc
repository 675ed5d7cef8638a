#include "services/campaign/api/segment_queries.h"

#include <algorithm>
#include <optional>

#include "common/aggregate/aggregate.h"
#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/list_page.h"
#include "crm/campaign/v1/campaign_service.pb.h"
#include "services/campaign/domain/filter.h"
#include "services/campaign/projection/contact_facts.h"
#include "services/campaign/projection/segment_members.h"
#include "services/campaign/projection/segments.h"
#include "services/campaign/reaction/audience_reading.h"

namespace crm::campaign {
namespace {

// A page ends after so many rows looked at or bytes found, so that one call costs a bounded amount
// and its answer fits into a message.
constexpr int kMaxExamined = 10'000;
constexpr size_t kMaxPageBytes = 2 << 20;

constexpr int64_t kMaxPreviewed = 100'000;
constexpr int kPreviewChunk = 1000;
constexpr int kDefaultSample = 10;
constexpr int kMaxSample = 1000;

constexpr std::string_view kPrefix = "segments/";
constexpr size_t kIdSize = 27;

absl::StatusOr<v1::Segment> OpenSegment(std::string_view row) {
  const std::string_view resource = ResourceOfRow(row);
  v1::Segment segment;
  if (resource.empty() ||
      !segment.ParseFromArray(resource.data(), static_cast<int>(resource.size()))) {
    return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
                 "a row of the core store cannot be read; rebuild the projection");
  }
  return segment;
}

// Fills the page; answers the place it ended at, or nothing at the end of the list.
absl::StatusOr<std::optional<std::string>> FillSegments(MergedRows& rows, int page_size,
                                                        bool show_deleted,
                                                        v1::ListSegmentsResponse* page) {
  std::string last;
  size_t bytes = 0;
  for (int examined = 0; rows.Valid(); rows.Next(), ++examined) {
    const bool full = page->segments_size() == page_size || bytes >= kMaxPageBytes;
    if (full || examined == kMaxExamined) return last;
    last = rows.place();
    CRM_ASSIGN_OR_RETURN(v1::Segment segment, OpenSegment(rows.value()));
    if (segment.has_delete_time() && !show_deleted) continue;
    bytes += segment.ByteSizeLong();
    *page->add_segments() = std::move(segment);
  }
  CRM_RETURN_IF_ERROR(rows.status());
  return std::nullopt;
}

// What a preview has seen so far.
class Preview {
 public:
  Preview(const QueryContext& context, const Filter& filter, size_t sample)
      : context_(context), filter_(filter), needed_(ReadsOf(filter).facts), sample_(sample) {}

  absl::Status LookAt(Partition partition) {
    const Audience audience = AudienceOf(context_.reading, partition);
    ContactsChunk chunk;
    std::string after;
    while (!chunk.complete) {
      const auto left = kMaxPreviewed - response_.examined();
      if (left == 0) return Truncate(audience, after);
      CRM_ASSIGN_OR_RETURN(chunk,
                           ReadContacts(audience, context_.caller.tenant, after,
                                        static_cast<int>(std::min<int64_t>(left, kPreviewChunk))));
      for (const std::string& contact : chunk.contacts) {
        CRM_RETURN_IF_ERROR(LookAt(audience, contact));
      }
      if (!chunk.contacts.empty()) after = chunk.contacts.back();
    }
    return absl::OkStatus();
  }

  v1::PreviewSegmentResponse Take() { return std::move(response_); }

 private:
  absl::Status LookAt(const Audience& audience, const std::string& contact) {
    response_.set_examined(response_.examined() + 1);
    const std::string& tenant = context_.caller.tenant;
    CRM_ASSIGN_OR_RETURN(const ContactFacts facts, ReadFacts(audience, tenant, contact, needed_));
    absl::Status status;
    const bool in = facts.living() && Matches(filter_, facts, [&](std::string_view segment) {
                      const auto is_in = IsMember(audience.partition, segment, contact);
                      status.Update(is_in.status());
                      return is_in.value_or(false);
                    });
    if (!in) return status;
    response_.set_matched(response_.matched() + 1);
    if (static_cast<size_t>(response_.contacts_size()) < sample_) response_.add_contacts(contact);
    return status;
  }

  absl::StatusOr<bool> IsMember(Partition partition, std::string_view segment,
                                std::string_view contact) {
    const RowReader& rows = *context_.reading.view(SegmentMembers::kName).rows;
    CRM_ASSIGN_OR_RETURN(
        const auto row,
        rows.Get(SegmentMembers::ListPrefix(partition, context_.caller.tenant, segment)
                     .append(contact.substr(contact.rfind('/') + 1))));
    return row.has_value();
  }

  absl::Status Truncate(const Audience& audience, const std::string& after) {
    CRM_ASSIGN_OR_RETURN(const ContactsChunk next,
                         ReadContacts(audience, context_.caller.tenant, after, 1));
    response_.set_truncated(response_.truncated() || !next.contacts.empty());
    return absl::OkStatus();
  }

  const QueryContext& context_;
  const Filter& filter_;
  const FactsNeeded needed_;
  const size_t sample_;
  v1::PreviewSegmentResponse response_;
};

// All that the filter refers to must be there.
absl::Status CheckReferences(const QueryContext& context, const Filter& filter) {
  const auto references = ReadsOf(filter).segments;
  if (references.empty()) return absl::OkStatus();
  SegmentCatalogue catalogue;
  CRM_ASSIGN_OR_RETURN(
      const auto segments,
      catalogue.Get(*context.reading.view(Segments::kName).rows, context.caller.tenant));
  for (const std::string& name : references) {
    if (segments->Find(name) == nullptr) {
      return InvalidField("filter", "refers to a segment that is not defined");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSegmentName(std::string field, std::string_view name) {
  const bool valid = name.size() == kPrefix.size() + kIdSize && name.starts_with(kPrefix) &&
                     name[kPrefix.size()] == 's' &&
                     std::all_of(name.begin() + kPrefix.size(), name.end(), [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7');
                     });
  if (valid) return absl::OkStatus();
  return InvalidField(std::move(field),
                      "must be a segment's name: segments/ and its id of 27 characters");
}

absl::StatusOr<Filter> CheckFilter(std::string_view text) {
  CRM_ASSIGN_OR_RETURN(Filter filter, ParseFilter(text));
  for (const std::string& name : ReadsOf(filter).segments) {
    CRM_RETURN_IF_ERROR(CheckSegmentName("segment.filter", name));
  }
  return filter;
}

absl::StatusOr<std::string> ListSegments(const QueryContext& context,
                                         const google::protobuf::Message& message) {
  const auto& request = static_cast<const v1::ListSegmentsRequest&>(message);
  const std::string& tenant = context.caller.tenant;
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const std::string query =
      QueryHash(tenant, "ListSegments", {request.show_deleted() ? "deleted" : ""});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), context.secret));
  MergedRows rows(
      *context.reading.core.rows,
      [&](Partition partition) { return AggregateKey(partition, tenant, kPrefix); }, after);
  v1::ListSegmentsResponse page;
  CRM_ASSIGN_OR_RETURN(const auto end,
                       FillSegments(rows, page_size, request.show_deleted(), &page));
  if (end) page.set_next_page_token(SealPageToken(query, *end, context.secret, context.random));
  return page.SerializeAsString();
}

absl::StatusOr<std::string> ListSegmentMembers(const QueryContext& context,
                                               const google::protobuf::Message& message) {
  const auto& request = static_cast<const v1::ListSegmentMembersRequest&>(message);
  const std::string& tenant = context.caller.tenant;
  CRM_RETURN_IF_ERROR(CheckSegmentName("segment", request.segment()));
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const std::string query = QueryHash(tenant, "ListSegmentMembers", {request.segment()});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), context.secret));
  MergedRows rows(
      *context.reading.view(SegmentMembers::kName).rows,
      [&](Partition partition) {
        return SegmentMembers::ListPrefix(partition, tenant, request.segment());
      },
      after);
  v1::ListSegmentMembersResponse page;
  std::string last;
  for (; rows.Valid() && page.contacts_size() < page_size; rows.Next()) {
    last = rows.place();
    page.add_contacts("contacts/" + last);
  }
  CRM_RETURN_IF_ERROR(rows.status());
  if (rows.Valid()) {
    page.set_next_page_token(SealPageToken(query, last, context.secret, context.random));
  }
  return page.SerializeAsString();
}

absl::StatusOr<std::string> PreviewSegment(const QueryContext& context,
                                           const google::protobuf::Message& message) {
  const auto& request = static_cast<const v1::PreviewSegmentRequest&>(message);
  if (request.sample_size() < 0) return InvalidField("sample_size", "must not be negative");
  CRM_ASSIGN_OR_RETURN(const Filter filter, CheckFilter(request.filter()));
  CRM_RETURN_IF_ERROR(CheckReferences(context, filter));
  const int sample = request.sample_size() == 0 ? kDefaultSample : request.sample_size();
  Preview preview(context, filter, static_cast<size_t>(std::min(sample, kMaxSample)));
  for (Partition p = 0; p < kPartitions; ++p) CRM_RETURN_IF_ERROR(preview.LookAt(p));
  v1::PreviewSegmentResponse response = preview.Take();
  response.set_filter(PrintFilter(filter));
  return response.SerializeAsString();
}

}  // namespace crm::campaign
