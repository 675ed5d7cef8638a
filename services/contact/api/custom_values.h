#pragma once

#include <string>
#include <vector>

#include "common/base/status.h"
#include "crm/contact/v1/contact.pb.h"
#include "services/contact/domain/contact.h"
#include "services/contact/domain/tenant.h"

namespace crm::contact {

// Values of custom fields as they are kept, checked against what the tenant declares: each field is
// declared, there once and not retired; its value is of the declared type, a date one of the
// calendar, a choice one of those, a number finite. Text is kept as NormaliseText has it; where it
// is empty, as where there is no value at all, the field is left out. Faults by path,
// "contact.custom_fields[1]".
CustomFields CheckCustomValues(const google::protobuf::RepeatedPtrField<v1::CustomValue>& values,
                               const std::vector<FieldDeclaration>& declared, FieldFaults& faults);

// Ids of the fields that a contact must be born with: required and not retired.
std::vector<std::string> RequiredFields(const std::vector<FieldDeclaration>& declared);

}  // namespace crm::contact
