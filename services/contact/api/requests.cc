#include "services/contact/api/requests.h"

#include <algorithm>

#include "services/contact/api/text.h"

namespace crm::contact {
namespace {

constexpr size_t kIdDigits = 26;

bool IsContactName(std::string_view name) {
  constexpr std::string_view kPrefix = "contacts/c";
  if (!name.starts_with(kPrefix) || name.size() != kPrefix.size() + kIdDigits) return false;
  name.remove_prefix(kPrefix.size());
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

}  // namespace

void CheckContactName(std::string path, std::string_view name, FieldFaults& faults) {
  if (IsContactName(name)) return;
  faults.Add(std::move(path), "must be a contact's name: contacts/ and its id of 27 characters");
}

std::string KeepLine(std::string path, std::string_view value, FieldFaults& faults) {
  auto kept = NormaliseText(value);
  if (!kept) faults.Add(std::move(path), "must not hold control characters");
  return std::move(kept).value_or("");
}

std::string NameOfKey(const Caller& caller, const v1::ExternalKey& key, const NameMaker& names) {
  return names.FromExternalKey(kContactCollection, kContactIdKind, caller.tenant, key.source(),
                               key.key());
}

}  // namespace crm::contact
