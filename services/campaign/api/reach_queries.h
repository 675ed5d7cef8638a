#pragma once

#include <vector>

#include "common/service/service_definition.h"

namespace crm::campaign {

// ListSends and ListResponses: what is on record of one contact, now or as of a past moment.
// `reach` is the type of reach ledgers and outlives the methods.
std::vector<QueryMethod> ReachQueries(const AggregateType& reach);

}  // namespace crm::campaign
