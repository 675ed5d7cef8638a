#pragma once

#include <string>
#include <string_view>

#include "services/contact/domain/profile.h"

// A profile's fields by name. "custom_fields.{id}" is a field of its own; a name that is none of
// them has no value and is never copied.
namespace crm::contact {

inline constexpr std::string_view kCustomFields = "custom_fields";

// "custom_fields.{id}".
std::string CustomFieldName(std::string_view id);

bool HasValue(const Profile& profile, std::string_view field);
bool SameValue(const Profile& a, const Profile& b, std::string_view field);
// Bytes that are equal for equal values only, and the same on every machine.
std::string ValueBytes(const Profile& profile, std::string_view field);
// Gives `to` the value `from` has; also none at all.
void CopyField(const Profile& from, std::string_view field, Profile* to);

// Names of the fields that have a value, in the order of ForEachField, custom fields by id.
FieldMask FieldsWithValue(const Profile& profile);

}  // namespace crm::contact
