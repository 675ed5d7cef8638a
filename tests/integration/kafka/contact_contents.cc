#include "tests/integration/kafka/contact_contents.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <utility>

#include "common/base/hash.h"

namespace crm {

using contact::v1::ContactRecord;
using google::protobuf::util::TimeUtil;

std::vector<std::string> KeysOf(Partition partition) {
  std::vector<std::string> keys;
  for (int i = 0; keys.size() < 4; ++i) {
    std::string key = fmt::format("{}/contacts/c{}", i % 2 == 0 ? "default" : "acme", i);
    if (PartitionOf(key) == partition) keys.push_back(std::move(key));
  }
  return keys;
}

ContactRecord Content(const std::string& key, int64_t version) {
  ContactRecord content;
  auto& metadata = *content.mutable_metadata();
  const size_t slash = key.find('/');
  metadata.set_tenant(key.substr(0, slash));
  metadata.set_aggregate(key.substr(slash + 1) + (version % 3 == 0 ? "/consents" : ""));
  metadata.set_aggregate_version(version);
  *metadata.mutable_recorded_time() = TimeUtil::MillisecondsToTimestamp(1700000000000 + version);
  if (version % 3 == 0) {
    content.mutable_consent()->mutable_granted()->set_channel("email");
  } else if (version % 3 == 1) {
    content.mutable_contact()->mutable_created()->set_language_code("de");
  } else {
    content.mutable_contact()->mutable_deleted();
  }
  return content;
}

std::string TypeOf(int64_t version) {
  constexpr const char* kTypes[] = {"ConsentGranted", "ContactCreated", "ContactDeleted"};
  return fmt::format("crm.contact.v1.{}", kTypes[version % 3]);
}

void PrintEvent(const char* name, int64_t epoch, Partition partition, const Record& record) {
  ContactRecord content;
  std::string version = "null";
  if (content.ParseFromString(record.value)) {
    version = std::to_string(content.metadata().aggregate_version());
  }
  fmt::print(
      "{{\"{}\":{{\"id\":\"{}\",\"key\":\"{}\",\"partition\":{},\"offset\":{},\"version\":{}}"
      "}}}\n",
      name, EventId(epoch, partition, record), record.key, partition, record.offset, version);
}

}  // namespace crm
