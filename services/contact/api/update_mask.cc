#include "services/contact/api/update_mask.h"

#include <algorithm>

#include "services/contact/domain/profile_fields.h"

namespace crm::contact {
namespace {

FieldMask AllFields() {
  FieldMask all;
  ForEachField([&](const char* name, auto) { all.emplace_back(name); });
  return all;
}

bool Contains(const FieldMask& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

FieldMask CustomNames(const std::vector<FieldDeclaration>& declared) {
  FieldMask names;
  for (const FieldDeclaration& field : declared) names.push_back(CustomFieldName(field.id));
  return names;
}

// What is retired takes no values, so that a request that names all fields says nothing of it.
std::vector<FieldDeclaration> Living(std::vector<FieldDeclaration> declared) {
  std::erase_if(declared, [](const FieldDeclaration& field) { return field.retired; });
  return declared;
}

std::string Rule(const FieldMask& all) {
  std::string rule = "may be \"*\" or name";
  for (const auto& name : all) rule += " " + name;
  return rule + " custom_fields.{id} of one that is declared";
}

}  // namespace

FieldMask ReadMask(const google::protobuf::FieldMask& mask, const Profile& profile,
                   const std::vector<FieldDeclaration>& declared, FieldFaults& faults) {
  if (mask.paths().empty()) return FieldsWithValue(profile);
  const FieldMask all = AllFields();
  const FieldMask custom = CustomNames(declared);
  FieldMask named(mask.paths().begin(), mask.paths().end());
  if (named == FieldMask{"*"}) named = all;
  const bool known = std::all_of(named.begin(), named.end(), [&](const std::string& path) {
    return Contains(all, path) || Contains(custom, path);
  });
  if (!known) faults.Add("update_mask", Rule(all));
  if (std::erase(named, kCustomFields) > 0) {
    const FieldMask living = CustomNames(Living(declared));
    named.insert(named.end(), living.begin(), living.end());
  }
  return named;
}

}  // namespace crm::contact
