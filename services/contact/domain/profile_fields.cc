#include "services/contact/domain/profile_fields.h"

#include "services/contact/domain/profile_message.h"

namespace crm::contact {
namespace {

// "a" of "custom_fields.a"; empty where `field` is no custom field.
std::string_view CustomId(std::string_view field) {
  if (!field.starts_with(kCustomFields) || field.size() <= kCustomFields.size()) return "";
  if (field[kCustomFields.size()] != '.') return "";
  return field.substr(kCustomFields.size() + 1);
}

const CustomValue* CustomOf(const Profile& profile, std::string_view id) {
  const auto found = profile.custom_fields.find(std::string(id));
  return found == profile.custom_fields.end() ? nullptr : &found->second;
}

// The profile with this field alone.
Profile Only(const Profile& profile, std::string_view field) {
  Profile only;
  CopyField(profile, field, &only);
  return only;
}

}  // namespace

std::string CustomFieldName(std::string_view id) {
  return std::string(kCustomFields).append(".").append(id);
}

bool HasValue(const Profile& profile, std::string_view field) {
  return !SameValue(profile, Profile{}, field);
}

bool SameValue(const Profile& a, const Profile& b, std::string_view field) {
  if (const std::string_view id = CustomId(field); !id.empty()) {
    const CustomValue* one = CustomOf(a, id);
    const CustomValue* other = CustomOf(b, id);
    if (one == nullptr || other == nullptr) return one == other;
    return *one == *other;
  }
  bool same = true;
  ForEachField([&](std::string_view name, auto member) {
    if (name == field) same = a.*member == b.*member;
  });
  return same;
}

std::string ValueBytes(const Profile& profile, std::string_view field) {
  const Profile only = Only(profile, field);
  v1::Contact message;
  WritePersonal(only, &message);
  WriteOthers(only, &message);
  return message.SerializeAsString();
}

void CopyField(const Profile& from, std::string_view field, Profile* to) {
  if (const std::string_view id = CustomId(field); !id.empty()) {
    const CustomValue* value = CustomOf(from, id);
    if (value == nullptr) {
      to->custom_fields.erase(std::string(id));
    } else {
      to->custom_fields.insert_or_assign(std::string(id), *value);
    }
    return;
  }
  ForEachField([&](std::string_view name, auto member) {
    if (name == field) to->*member = from.*member;
  });
}

FieldMask FieldsWithValue(const Profile& profile) {
  const Profile empty;
  FieldMask fields;
  ForEachField([&](std::string_view name, auto member) {
    if (name != kCustomFields && !(profile.*member == empty.*member)) fields.emplace_back(name);
  });
  for (const auto& [id, value] : profile.custom_fields) fields.push_back(CustomFieldName(id));
  return fields;
}

}  // namespace crm::contact
