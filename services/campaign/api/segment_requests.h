#pragma once

#include "common/service/service_definition.h"

namespace crm::campaign {

// Adds all of segments to the campaign service: their aggregate, the views of facts, definitions
// and members (AudienceContacts, AudienceOrders, AudienceScores, Segments, SegmentMembers), the
// reactions that keep memberships, and the RPCs whose names hold "Segment". `reach` is the type of
// reach ledgers and outlives the service.
void AddSegments(const AggregateType& reach, ServiceDefinition& service);

}  // namespace crm::campaign
