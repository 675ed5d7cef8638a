#pragma once

#include "common/service/service_definition.h"

namespace crm::contact {

// ExplainContact: the history of one contact, told by field. `type` is that of contacts.
QueryMethod ExplainMethod(const AggregateType& type);

}  // namespace crm::contact
