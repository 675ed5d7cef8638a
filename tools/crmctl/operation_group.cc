#include <fmt/format.h>
#include <google/longrunning/operations.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/command_groups.h"

namespace crm::crmctl {
namespace {

using contact::v1::PurgeContactsMetadata;
using google::longrunning::Operation;

constexpr char kPurgeFooter[] = R"(
Contacts that were deleted before a moment are gone for good; their history stays in the log. Without
--force they are only counted. The server goes on by itself, also through a restart; what was begun can
be waited for again, or cancelled, with crmctl operation.

Examples:
  crmctl contact purge --deleted-before 2026-01-01T00:00:00Z
  crmctl contact purge --deleted-before 2026-01-01T00:00:00Z --force)";

constexpr int kPartitionsOfAll = kPartitions;
// Of one call that waits, so that progress is seen in between.
constexpr int kWaitSeconds = 1;

std::string Method(const char* name) {
  return std::string("/google.longrunning.Operations/") + name;
}

PurgeContactsMetadata MetadataOf(const Operation& operation) {
  PurgeContactsMetadata metadata;
  if (operation.has_metadata()) operation.metadata().UnpackTo(&metadata);
  return metadata;
}

std::string StateOf(const Operation& operation) {
  if (!operation.done()) return "running";
  return operation.has_error() ? "cancelled" : "done";
}

std::vector<std::string> Cells(const Operation& operation) {
  const PurgeContactsMetadata metadata = MetadataOf(operation);
  return {operation.name(),
          StateOf(operation),
          metadata.force() ? "purge" : "count",
          TimeText(metadata, "deleted_before"),
          TimeText(metadata, "start_time"),
          fmt::format("{} of {}", metadata.partitions_done(), kPartitionsOfAll),
          WithThousands(metadata.contacts())};
}

std::vector<Table::Column> Columns() {
  return {{"OPERATION"}, {"STATE"},           {"WHAT"},         {"DELETED BEFORE"},
          {"STARTED"},   Right("PARTITIONS"), Right("CONTACTS")};
}

void PrintOperation(const Console& console, const Operation& operation) {
  if (console.json) return console.PrintJson(operation);
  Table table(Columns());
  table.Add(Cells(operation));
  console.out << table.ToString();
}

// With what is said of one that did not end well.
absl::Status Ended(const Operation& operation) {
  if (!operation.has_error()) return absl::OkStatus();
  return Error(static_cast<absl::StatusCode>(operation.error().code()), "OPERATION_CANCELLED",
               operation.name() + ": " + operation.error().message());
}

// Shows how far it is until it is done.
absl::Status Await(RpcClient& client, Console& console, Operation operation) {
  {
    ProgressBar bar(console, "contacts");
    while (!operation.done()) {
      const PurgeContactsMetadata metadata = MetadataOf(operation);
      bar.Show(metadata.contacts(),
               static_cast<double>(metadata.partitions_done()) / kPartitionsOfAll);
      google::longrunning::WaitOperationRequest request;
      request.set_name(operation.name());
      request.mutable_timeout()->set_seconds(kWaitSeconds);
      CRM_RETURN_IF_ERROR(client.Call(Method("WaitOperation"), request, &operation));
    }
  }
  PrintOperation(console, operation);
  return Ended(operation);
}

struct PurgeArguments {
  std::string deleted_before;
  std::string request_id;
  bool force = false;
  bool no_wait = false;
};

absl::Status Purge(RpcClient& client, Console& console, const PurgeArguments& arguments) {
  contact::v1::PurgeContactsRequest request;
  const bool is_time = google::protobuf::util::TimeUtil::FromString(
      arguments.deleted_before, request.mutable_deleted_before());
  if (!is_time) {
    return InvalidField("--deleted-before",
                        "must be an RFC 3339 time such as 2026-01-01T00:00:00Z");
  }
  request.set_force(arguments.force);
  request.set_request_id(arguments.request_id);
  Operation operation;
  CRM_RETURN_IF_ERROR(
      client.Call("/crm.contact.v1.ContactService/PurgeContacts", request, &operation));
  if (!arguments.no_wait) return Await(client, console, std::move(operation));
  PrintOperation(console, operation);
  return absl::OkStatus();
}

absl::Status Wait(RpcClient& client, Console& console, const std::string& name) {
  google::longrunning::GetOperationRequest request;
  request.set_name(name);
  Operation operation;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetOperation"), request, &operation));
  return Await(client, console, std::move(operation));
}

absl::Status Cancel(RpcClient& client, Console& console, const std::string& name) {
  google::longrunning::CancelOperationRequest cancel;
  cancel.set_name(name);
  google::protobuf::Empty nothing;
  CRM_RETURN_IF_ERROR(client.Call(Method("CancelOperation"), cancel, &nothing));
  google::longrunning::GetOperationRequest request;
  request.set_name(name);
  Operation operation;
  CRM_RETURN_IF_ERROR(client.Call(Method("GetOperation"), request, &operation));
  PrintOperation(console, operation);
  return absl::OkStatus();
}

absl::Status List(RpcClient& client, Console& console) {
  google::longrunning::ListOperationsRequest request;
  google::protobuf::RepeatedPtrField<Operation> operations;
  do {
    google::longrunning::ListOperationsResponse page;
    CRM_RETURN_IF_ERROR(client.Call(Method("ListOperations"), request, &page));
    for (Operation& operation : *page.mutable_operations()) {
      *operations.Add() = std::move(operation);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  PrintList(console, Columns(), operations, std::function(Cells));
  return absl::OkStatus();
}

}  // namespace

void AddContactPurge(CommandTree& tree, CLI::App* contact) {
  auto* to = tree.Keep<PurgeArguments>();
  CLI::App* purge = tree.AddCall(contact, "purge", "Let deleted contacts go for good",
                                 [to, &tree](RpcClient& client, Console& console) {
                                   if (to->request_id.empty()) {
                                     to->request_id = tree.random().Uuid();
                                   }
                                   return Purge(client, console, *to);
                                 });
  purge->footer(kPurgeFooter);
  purge->add_option("--deleted-before", to->deleted_before, "RFC 3339 time, not in the future")
      ->required();
  purge->add_flag("--force", to->force, "Purge them; without, they are only counted");
  purge->add_flag("--no-wait", to->no_wait, "Do not wait for the end");
  purge->add_option("--request-id", to->request_id,
                    "A repeat with the same id is the same operation");
}

void AddOperationCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup(&tree.app(), "operation", "Long-running work of the server");
  tree.AddCall(group, "list", "All operations", List);
  auto* name = tree.Keep<std::string>();
  const auto add = [&](const char* command, const char* what, auto run) {
    tree.AddCall(group, command, what,
                 [name, run](RpcClient& client, Console& console) {
                   return run(client, console, *name);
                 })
        ->add_option("NAME", *name, "operations/…")
        ->required();
  };
  add("wait", "Show an operation, and wait for its end", Wait);
  add("cancel", "End an operation; what was done stays done", Cancel);
}

}  // namespace crm::crmctl
