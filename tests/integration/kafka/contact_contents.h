#pragma once

#include <crm/contact/v1/contact_events.pb.h>

#include <string>
#include <vector>

#include "common/log/record.h"

// Contact events without meaning, for tests of those who read the topic.
namespace crm {

// Four keys of the partition, of two tenants.
std::vector<std::string> KeysOf(Partition partition);

// The version also chooses which event it is.
contact::v1::ContactRecord Content(const std::string& key, int64_t version);

// Full name of the event's message.
std::string TypeOf(int64_t version);

// A JSON line {"NAME": {id, key, partition, offset, version}}; version null where it does not
// decode.
void PrintEvent(const char* name, int64_t epoch, Partition partition, const Record& record);

}  // namespace crm
