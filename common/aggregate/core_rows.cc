#include "common/aggregate/core_rows.h"

#include "common/base/bytes.h"
#include "common/base/hash.h"

namespace crm {
namespace {

constexpr char kVersions = 'v';
constexpr char kRequests = 'd';

std::string Key(Partition partition, char family, std::string_view tenant, std::string_view name,
                size_t more) {
  std::string key;
  key.reserve(4 + tenant.size() + name.size() + more);
  key.push_back(static_cast<char>(partition));
  key.push_back(family);
  key.append(tenant);
  key.push_back('\0');
  key.append(name);
  return key;
}

}  // namespace

std::string FamilyPrefix(Partition partition, char family) {
  return {static_cast<char>(partition), family};
}

std::string AggregateKey(Partition partition, std::string_view tenant, std::string_view aggregate) {
  return Key(partition, 'a', tenant, aggregate, 0);
}

std::string HistoryPrefix(Partition partition, std::string_view tenant,
                          std::string_view aggregate) {
  std::string key = Key(partition, 'h', tenant, aggregate, 10);
  key.push_back('\0');
  key.push_back(kVersions);
  return key;
}

std::string HistoryKey(Partition partition, std::string_view tenant, std::string_view aggregate,
                       int64_t version) {
  std::string key = HistoryPrefix(partition, tenant, aggregate);
  AppendBe64(&key, static_cast<uint64_t>(version));
  return key;
}

std::string DedupPrefix(Partition partition, std::string_view tenant, std::string_view subject) {
  std::string key = Key(partition, 'h', tenant, subject, 38);
  key.push_back('\0');
  key.push_back(kRequests);
  return key;
}

std::string DedupKey(Partition partition, std::string_view tenant, std::string_view subject,
                     std::string_view request_id) {
  return DedupPrefix(partition, tenant, subject).append(request_id);
}

std::string MarkKey(Partition partition, std::string_view tenant, std::string_view subject) {
  return Key(partition, 's', tenant, subject, 0);
}

bool IsHistoryKey(std::string_view key) {
  if (key.size() < 2 || key[1] != 'h') return false;
  const size_t name = key.find('\0', 2);
  const size_t kind = name == std::string_view::npos ? name : key.find('\0', name + 1);
  return kind != std::string_view::npos && kind + 1 < key.size() && key[kind + 1] == kVersions;
}

std::string DeadLetterKey(Partition partition, Offset offset) {
  std::string key = FamilyPrefix(partition, 'x');
  AppendBe64(&key, static_cast<uint64_t>(offset));
  return key;
}

Partition PartitionOfSubject(std::string_view tenant, std::string_view subject) {
  std::string key(tenant);
  key.push_back('/');
  key.append(subject);
  return PartitionOf(key);
}

}  // namespace crm
