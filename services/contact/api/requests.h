#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/service/service_definition.h"
#include "crm/contact/v1/contact.pb.h"
#include "services/contact/api/normalise.h"

// What the requests of all parts of the service have in common.
namespace crm::contact {

inline constexpr std::string_view kContactCollection = "contacts";
inline constexpr char kContactIdKind = 'c';

using PreparedCommand = absl::StatusOr<std::unique_ptr<Command>>;

// Faults unless `name` is that of a contact.
void CheckContactName(std::string path, std::string_view name, FieldFaults& faults);

// One line of text as it is kept (NormaliseText); faults where it cannot be.
std::string KeepLine(std::string path, std::string_view value, FieldFaults& faults);

// The name of the contact with this key.
std::string NameOfKey(const Caller& caller, const v1::ExternalKey& key, const NameMaker& names);

// The contact that a request names by `contact` or by `contact_key`; faults unless by one of them.
template <typename Request>
std::string ContactOf(const Caller& caller, const Request& request, const NameMaker& names,
                      FieldFaults& faults) {
  if (request.contact().empty() == !request.has_contact_key()) {
    faults.Add("contact", "name the contact by contact or by contact_key, and by one of them only");
    return "";
  }
  if (!request.has_contact_key()) {
    CheckContactName("contact", request.contact(), faults);
    return request.contact();
  }
  CheckKey("contact_key", request.contact_key(), faults);
  return NameOfKey(caller, request.contact_key(), names);
}

}  // namespace crm::contact
