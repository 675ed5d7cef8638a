#pragma once

#include <string>
#include <vector>

#include "common/log/record.h"

namespace crm::testing {

// A golden log is a text file of records in the order of the log, four lines each and a blank one:
//
//   # what the record is there for
//   record <partition> <kind> <key or -> <fence> <seq> <last: 0 or 1> <value in hex>
//   event <the record message that a reader decodes, as JSON; - where none can be decoded>
//   hmac <payload HMAC that a reader finds, in hex; may be empty>
//
// The genesis records are not in it.
struct GoldenRecord {
  std::string what;
  Partition partition = 0;
  Record record;
  std::string json;
  std::string payload_hmac;
};

std::string ToText(const GoldenRecord& golden);
// Stops the test program where the file cannot be read.
std::vector<GoldenRecord> ReadGoldenLog(const std::string& path);

}  // namespace crm::testing
