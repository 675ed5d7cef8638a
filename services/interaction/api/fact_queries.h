#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/service/service_definition.h"
#include "crm/interaction/v1/interaction_service.pb.h"

// Questions about one contact, answered serialised: places and sums from the view ContactTimeline,
// interactions and orders themselves from the core. DATA_LOSS where the contact's history cannot be
// read.
namespace crm::interaction {

absl::StatusOr<std::string> ListInteractions(const QueryContext& context,
                                             const v1::ListInteractionsRequest& request);

absl::StatusOr<std::string> ListOrders(const QueryContext& context,
                                       const v1::ListOrdersRequest& request);

absl::StatusOr<std::string> ContactBrief(const QueryContext& context,
                                         const v1::ContactBriefRequest& request);

}  // namespace crm::interaction
