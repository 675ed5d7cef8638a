#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

struct WhyArguments {
  // The contact's name, unless `key` is there, then fields; no fields = all.
  std::vector<std::string> words;
  // SOURCE/KEY.
  std::string key;
};

// Each value of one contact with the event it came from, and the values that are not shown. With
// --json a FieldExplanation a line.
absl::Status ContactWhy(RpcClient& client, Console& console, const WhyArguments& arguments);

}  // namespace crm::crmctl
