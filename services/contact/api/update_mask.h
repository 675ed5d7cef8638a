#pragma once

#include <google/protobuf/field_mask.pb.h>

#include "common/base/status.h"
#include "services/contact/domain/contact.h"
#include "services/contact/domain/tenant.h"

namespace crm::contact {

// The fields an `update_mask` names: "*" is every field that can be changed, none at all the fields
// that `profile` sets. Custom fields are named one by one in the answer; "custom_fields" is all
// that are declared and not retired, "custom_fields.{id}" one that is declared. A path that is no
// such field (unknown, immutable, output only, or inside a field) is a fault of "update_mask".
FieldMask ReadMask(const google::protobuf::FieldMask& mask, const Profile& profile,
                   const std::vector<FieldDeclaration>& declared, FieldFaults& faults);

}  // namespace crm::contact
