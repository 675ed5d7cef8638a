#pragma once

#include "crm/campaign/v1/campaign_service.pb.h"
#include "services/campaign/api/requests.h"

namespace crm::campaign {

// From requests about segments to commands. Copied into the service's methods; borrows the type.
class SegmentRequests {
 public:
  explicit SegmentRequests(const AggregateType& type) : type_(&type) {}

  PreparedCommand Create(const Caller& caller, const v1::CreateSegmentRequest& request,
                         const NameMaker& names) const;
  PreparedCommand Rename(const Caller& caller, const v1::RenameSegmentRequest& request,
                         const NameMaker& names) const;
  PreparedCommand Delete(const Caller& caller, const v1::DeleteSegmentRequest& request,
                         const NameMaker& names) const;

 private:
  const AggregateType* type_;
};

}  // namespace crm::campaign
