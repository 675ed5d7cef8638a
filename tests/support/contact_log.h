#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/log/memory/memory_log.h"
#include "common/projection/partition_fold.h"
#include "tests/support/contact_commands.h"

namespace crm::testing {

// A log in memory whose appends are readable when ContactLog's calls return.
std::unique_ptr<MemoryLog> EmptyLog(const LogIdentity& identity = {"log", "check", 0});

// Writes contacts' events into a log as the owner of every partition does, sealed by nothing. Not
// thread-safe.
class ContactLog {
 public:
  explicit ContactLog(MemoryLog& log, std::string tenant = "acme");

  // A new ownership of the partition.
  void Own(Partition partition);
  // One command of these events; the contact's versions go on from the last.
  void Append(const std::string& name, std::vector<contact::v1::ContactEvent> events);
  // Creates contacts/<id> with this display name.
  void Create(const std::string& id, const std::string& display_name);
  // The record as it is, behind whatever is there.
  Offset AppendRecord(Partition partition, Record record);
  // The next event record of an owner who goes on writing, with this value.
  Record NextRecord(const std::string& name, std::string value);

 private:
  std::string Value(const std::string& name, contact::v1::ContactEvent event);

  MemoryLog& log_;
  const std::string tenant_;
  int64_t requests_ = 0;
  std::map<std::string, int64_t> versions_;
  // Offset of the ownership in force, and the last seq under it.
  std::map<Partition, std::pair<Offset, int64_t>> fences_;
};

// How records of ContactLog become events.
EventSource ContactSource();

}  // namespace crm::testing
