#pragma once

#include <string>

#include "absl/status/status.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/contact_mapping.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

struct ImportArguments {
  ImportOptions options;
  ContactColumns columns;
  // Row n of the file is sent with the request id "<prefix>-<n>".
  std::string request_prefix;
};
// Reads the file and upserts a contact a row. Rows with faults are printed and counted, the others
// go in.
absl::Status ImportContacts(RpcClient& client, Console& console, const ImportArguments& arguments);

// One contact: by its name, or by its external key as "SOURCE/KEY".
struct ContactChoice {
  std::string name;
  std::string key;
};

struct GetArguments {
  ContactChoice contact;
  // RFC 3339 time, position token, or empty for now.
  std::string as_of;
};
absl::Status GetContact(RpcClient& client, Console& console, const GetArguments& arguments);

struct ListArguments {
  std::string order_by;
  int page_size = 0;
  std::string page_token;
  bool all = false;
  bool show_deleted = false;
};
absl::Status ListContacts(RpcClient& client, Console& console, const ListArguments& arguments);

// Every revision, oldest first.
absl::Status ContactHistory(RpcClient& client, Console& console, const ContactChoice& contact);

}  // namespace crm::crmctl
