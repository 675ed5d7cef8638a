#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "common/base/ids.h"

// Keys of the views' rows: the partition, a byte for the family, then parts with a zero byte
// between them. No part holds a zero byte.
namespace crm::campaign {

inline std::string FamilyKey(Partition partition, char family) {
  return {static_cast<char>(partition), family};
}

// partition family tenant 0 rest
inline std::string TenantKey(Partition partition, char family, std::string_view tenant,
                             std::string_view rest) {
  std::string key = FamilyKey(partition, family);
  key.reserve(key.size() + tenant.size() + 1 + rest.size());
  key.append(tenant).push_back('\0');
  return key.append(rest);
}

// partition family tenant 0 owner 0 rest
inline std::string OwnedKey(Partition partition, char family, std::string_view tenant,
                            std::string_view owner, std::string_view rest) {
  std::string key = TenantKey(partition, family, tenant, owner);
  key.push_back('\0');
  return key.append(rest);
}

inline constexpr std::string_view kContacts = "contacts/";
inline constexpr std::string_view kSegments = "segments/";

// "contacts/{id}" or "contacts/{id}/…" -> "{id}"; empty for other names.
inline std::string_view ContactIdOf(std::string_view name) {
  if (!name.starts_with(kContacts)) return {};
  name.remove_prefix(kContacts.size());
  return name.substr(0, name.find('/'));
}

// Last id of a name: "contacts/c1/orders/o1" -> "o1".
inline std::string_view LastIdOf(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

}  // namespace crm::campaign
