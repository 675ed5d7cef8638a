#pragma once

#include <optional>
#include <string>

#include "common/service/service_definition.h"
#include "crm/interaction/v1/interaction.pb.h"
#include "services/interaction/api/request_faults.h"
#include "services/interaction/domain/interaction.h"
#include "services/interaction/domain/order.h"

// From requests to what the rules decide about. All faults go to `faults` by path, without the
// value.
namespace crm::interaction {

// The name of the customer that a request names by `contact` or by `contact_key`, exactly one of
// them. Of a null key: not set.
struct NamedContact {
  const std::string& contact;
  const crm::contact::v1::ExternalKey* contact_key = nullptr;
};

// Any request with these two fields.
template <typename Request>
NamedContact ContactIn(const Request& request) {
  return {request.contact(), request.has_contact_key() ? &request.contact_key() : nullptr};
}

std::string ReadContactName(const Caller& caller, const NamedContact& named, const NameMaker& names,
                            RequestFaults& faults);

// External keys are opaque: kept byte by byte, only checked. Nothing where the message has none.
std::optional<ExternalKey> ReadKey(const std::string& path, const v1::Order& order,
                                   RequestFaults& faults);
std::optional<ExternalKey> ReadKey(const std::string& path, const v1::Interaction& interaction,
                                   RequestFaults& faults);

//   occurred_time   in the years 1 to 9999, at most a day after `now`
//   currency_code   ISO 4217, kept in upper case
//   lines           product keys printable and without blanks; quantities 0 … 10^15; amounts and
//                   their sum at most 10^15 either way
//   place           without control characters
OrderContent ReadOrder(const v1::Order& order, TimeNs now, RequestFaults& faults);

//   channel         [a-z][a-z0-9_-]*
//   direction       one that is defined
//   occurred_time   as above
//   summary         as it is
//   participants    not empty, without control characters
InteractionContent ReadInteraction(const v1::Interaction& interaction, TimeNs now,
                                   RequestFaults& faults);

}  // namespace crm::interaction
