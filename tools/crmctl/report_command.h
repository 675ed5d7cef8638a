#pragma once

#include <string>

#include "absl/status/status.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/contact_choice.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

struct ReportArguments {
  std::string file;
  std::string title = "Customers and campaigns";
  std::string currency;
  // The customer whose story is told; none where both are empty.
  ContactChoice customer;
  int top_customers = 20;
};

// Asks the services for figures and writes them as one HTML page. FILE_UNWRITABLE: the file cannot
// be written.
absl::Status WriteReport(RpcClient& client, Console& console, const ReportArguments& arguments);

}  // namespace crm::crmctl
