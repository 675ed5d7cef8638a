#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "services/campaign/domain/filter.h"

// The queries about segments, as RunQuery.
namespace crm::campaign {

absl::StatusOr<std::string> ListSegments(const QueryContext& context,
                                         const google::protobuf::Message& request);
absl::StatusOr<std::string> ListSegmentMembers(const QueryContext& context,
                                               const google::protobuf::Message& request);
// Looks at 100,000 contacts at most, partition by partition.
absl::StatusOr<std::string> PreviewSegment(const QueryContext& context,
                                           const google::protobuf::Message& request);

// FILTER_INVALID, or a fault of `segment.filter` where it refers to what cannot be a segment.
absl::StatusOr<Filter> CheckFilter(std::string_view text);
// A fault where `name` is no segment's name.
absl::Status CheckSegmentName(std::string field, std::string_view name);

}  // namespace crm::campaign
