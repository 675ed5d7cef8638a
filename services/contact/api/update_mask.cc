#include "services/contact/api/update_mask.h"

#include <algorithm>

namespace crm::contact {
namespace {

FieldMask AllFields() {
  FieldMask all;
  ForEachField([&](const char* name, auto) { all.emplace_back(name); });
  return all;
}

FieldMask SetFields(const Profile& profile) {
  const Profile empty;
  FieldMask set;
  ForEachField([&](const char* name, auto field) {
    if (!(profile.*field == empty.*field)) set.emplace_back(name);
  });
  return set;
}

std::string Rule(const FieldMask& all) {
  std::string rule = "may be \"*\" or name";
  for (const auto& name : all) rule += " " + name;
  return rule;
}

}  // namespace

FieldMask ReadMask(const google::protobuf::FieldMask& mask, const Profile& profile,
                   FieldFaults& faults) {
  if (mask.paths().empty()) return SetFields(profile);
  FieldMask all = AllFields();
  FieldMask named(mask.paths().begin(), mask.paths().end());
  if (named == FieldMask{"*"}) return all;
  const bool known = std::all_of(named.begin(), named.end(), [&](const std::string& path) {
    return std::find(all.begin(), all.end(), path) != all.end();
  });
  if (!known) faults.Add("update_mask", Rule(all));
  return named;
}

}  // namespace crm::contact
