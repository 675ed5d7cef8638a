#include "services/campaign/api/requests.h"

#include <algorithm>
#include <utility>

#include "common/base/timestamp.h"
#include "common/service/resource_reads.h"

namespace crm::campaign {
void CheckName(std::string path, std::string_view collection, std::string_view name,
               FieldFaults& faults) {
  const std::string pattern = std::string(collection) + "/*";
  if (CheckResourceName(pattern, name).ok()) return;
  faults.Add(std::move(path),
             "must be a name: " + std::string(collection) + "/ and its id of 27 characters");
}

void CheckText(std::string path, TextKind kind, std::string_view value, FieldFaults& faults) {
  const bool bad = std::any_of(value.begin(), value.end(), [kind](char c) {
    const bool layout = kind == TextKind::kLines && (c == '\n' || c == '\r' || c == '\t');
    return (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) && !layout;
  });
  if (bad) faults.Add(std::move(path), "must hold no control characters");
}

void CheckKey(const std::string& path, const contact::v1::ExternalKey& key, FieldFaults& faults) {
  CheckText(path + ".source", TextKind::kLine, key.source(), faults);
  CheckText(path + ".key", TextKind::kLine, key.key(), faults);
}

std::optional<TimeNs> ReadTime(std::string path, bool is_set,
                               const google::protobuf::Timestamp& time, FieldFaults& faults) {
  constexpr int64_t kMaxSeconds = 9'000'000'000;
  if (!is_set) return std::nullopt;
  if (IsTimestamp(time) && time.seconds() >= 0 && time.seconds() <= kMaxSeconds) {
    return ToTimeNs(time);
  }
  faults.Add(std::move(path), "must be a time from 1970 to 2255");
  return std::nullopt;
}

std::string ContactOfKey(const Caller& caller, const contact::v1::ExternalKey& key,
                         const NameMaker& names) {
  return names.FromExternalKey("contacts", 'c', caller.tenant, key.source(), key.key());
}

std::string CampaignOfKey(const Caller& caller, const contact::v1::ExternalKey& key,
                          const NameMaker& names) {
  return names.FromExternalKey("campaigns", 'k', caller.tenant, key.source(), key.key());
}

}  // namespace crm::campaign
