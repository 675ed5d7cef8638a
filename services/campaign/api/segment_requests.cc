#include "services/campaign/api/segment_requests.h"

#include <utility>

#include "services/campaign/domain/filter.h"
#include "services/campaign/domain/segment.h"
#include "services/campaign/projection/segment_aggregate.h"

namespace crm::campaign {

PreparedCommand SegmentRequests::Create(const Caller& caller,
                                        const v1::CreateSegmentRequest& request,
                                        const NameMaker& names) const {
  const v1::Segment& segment = request.segment();
  FieldFaults faults;
  CheckText("segment.display_name", TextKind::kLine, segment.display_name(), faults);
  if (!v1::Segment::Kind_IsValid(segment.kind())) {
    faults.Add("segment.kind", "must be DYNAMIC or SNAPSHOT");
  }
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  CRM_ASSIGN_OR_RETURN(Filter filter, ParseFilter(segment.filter()));
  std::string name = names.FromRequest("segments", 'g', caller.tenant, request.request_id());
  return CommandAbout<SegmentAggregate>(*type_, name, "",
                                        DefineSegment{.name = name,
                                                      .display_name = segment.display_name(),
                                                      .kind = segment.kind(),
                                                      .filter = std::move(filter)});
}

PreparedCommand SegmentRequests::Rename(const Caller&, const v1::RenameSegmentRequest& request,
                                        const NameMaker&) const {
  FieldFaults faults;
  CheckName("name", "segments", request.name(), faults);
  CheckText("display_name", TextKind::kLine, request.display_name(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return CommandAbout<SegmentAggregate>(*type_, request.name(), request.etag(),
                                        RenameSegment{request.display_name()});
}

PreparedCommand SegmentRequests::Delete(const Caller&, const v1::DeleteSegmentRequest& request,
                                        const NameMaker&) const {
  FieldFaults faults;
  CheckName("name", "segments", request.name(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return CommandAbout<SegmentAggregate>(*type_, request.name(), request.etag(), DeleteSegment{});
}

}  // namespace crm::campaign
