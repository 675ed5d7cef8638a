#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/contact/v1/tenant.pb.h"

namespace crm::crmctl {

// What the caller says of a tenant.
struct TenantArguments {
  // A tenant as protobuf's JSON mapping writes it ("-": standard input); empty = none.
  std::string file;
  std::string display_name;
  std::string default_region;
  std::string default_language;
  // "ID=TYPE[,required][,title=TEXT][,choices=A|B|C]".
  std::vector<std::string> fields;
  // Of a creation: a repeat with the same settings gets the first answer.
  std::string request_id;
  // Ids.
  std::vector<std::string> optional;
  std::vector<std::string> retired;
};

// A tenant with the settings that are to be changed, and which those are.
struct SettingsChange {
  contact::v1::Tenant tenant;
  std::vector<std::string> mask;
};

// `now` with what the file sets, and then the flags. A field of a flag takes the place of the one
// with its id, or comes last. INVALID_ARGUMENT: file or flags cannot be read, or change nothing.
absl::StatusOr<SettingsChange> ApplyTo(contact::v1::Tenant now, const TenantArguments& arguments);

}  // namespace crm::crmctl
