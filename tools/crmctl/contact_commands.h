#pragma once

#include <string>

#include "absl/status/status.h"
#include "tools/crmctl/console.h"
#include "tools/crmctl/contact_choice.h"
#include "tools/crmctl/contact_mapping.h"
#include "tools/crmctl/file_import.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

struct ImportArguments {
  ImportOptions options;
  // The mapping file; empty: `columns`.
  std::string mapping;
  ContactColumns columns;
  // "csv", "vcard", or empty: by the file's name.
  std::string format;
  // ISO 3166-1 alpha-2: the region of vCards that tell none.
  std::string region;
};
// Reads the file and upserts a contact a row, or a card. Those with faults are printed and kept
// aside, the others go in.
absl::Status ImportContacts(RpcClient& client, Console& console, const ImportArguments& arguments);

struct GetArguments {
  ContactChoice contact;
  // RFC 3339 time, position token, or empty for now.
  std::string as_of;
};
absl::Status GetContact(RpcClient& client, Console& console, const GetArguments& arguments);

struct ListArguments {
  std::string order_by;
  // docs/filters.md.
  std::string filter;
  int page_size = 0;
  std::string page_token;
  bool all = false;
  bool show_deleted = false;
};
absl::Status ListContacts(RpcClient& client, Console& console, const ListArguments& arguments);

// Contacts of whose names a word begins so; every page.
absl::Status SearchContacts(RpcClient& client, Console& console, const std::string& prefix);

// The contact's name, asked of the server where it is chosen by key. NOT_FOUND.
absl::StatusOr<std::string> NameOfContact(RpcClient& client, const ContactChoice& choice);

// RFC 3339 time, or a position token.
common::v1::AsOf ParseAsOf(const std::string& text);

// Every revision, oldest first.
absl::Status ContactHistory(RpcClient& client, Console& console, const ContactChoice& contact);

}  // namespace crm::crmctl
