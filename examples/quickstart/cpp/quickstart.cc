// A first hour with the contact service: quickstart HOST:PORT. Run again, it creates nothing twice.

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include <iostream>

#include "crm/contact/v1/contact_service.grpc.pb.h"
#include "crm/service_config.h"

namespace v1 = crm::contact::v1;
using grpc::ClientContext;
using Stub = v1::ContactService::Stub;

std::string position;  // Of the last call: the next one sees its effect.

void KeepPosition(const ClientContext& context) {
  for (const auto& [key, value] : context.GetServerTrailingMetadata())
    if (key == "crm-position") position.assign(value.begin(), value.end());
}

// A call in the name of this program, with a deadline. Says which fields were at fault.
template <typename Request, typename Response>
grpc::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(ClientContext*, const Request&, Response*),
                  const Request& request, Response* response) {
  ClientContext context;
  context.AddMetadata("crm-actor", "service:quickstart");
  if (!position.empty()) context.AddMetadata("crm-min-position", position);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::Status status = (stub.*method)(&context, request, response);
  KeepPosition(context);
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    google::rpc::BadRequest bad;
    detail.UnpackTo(&bad);
    for (const auto& at : bad.field_violations()) std::cout << "refused " << at.field() << "\n";
  }
  return status;
}

v1::UpsertContactRequest Person(const std::string& name, const std::string& email) {
  v1::UpsertContactRequest request;
  request.mutable_contact()->set_display_name(name);
  request.mutable_contact()->add_emails(email);
  request.mutable_contact()->mutable_external_key()->set_source("quickstart-cpp");
  request.mutable_contact()->mutable_external_key()->set_key(name);
  return request;
}

// Where somebody was faster, reads again and redoes the change.
void Rename(Stub& stub, v1::Contact known, const std::string& given_name) {
  v1::UpdateContactRequest update;
  *update.mutable_contact() = known;
  update.mutable_contact()->set_given_name(given_name);
  update.mutable_update_mask()->add_paths("given_name");
  const auto status = Call(stub, &Stub::UpdateContact, update, &known);
  std::cout << given_name << ": " << (status.ok() ? "named" : status.error_message()) << "\n";
  if (status.error_code() != grpc::ABORTED) return;
  v1::GetContactRequest get;
  get.set_name(update.contact().name());
  if (Call(stub, &Stub::GetContact, get, &known).ok()) Rename(stub, known, given_name);
}

int main(int, char** argv) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(crm::kServiceConfig);  // Repeats what may be repeated.
  const auto stub = v1::ContactService::NewStub(
      grpc::CreateCustomChannel(argv[1], grpc::InsecureChannelCredentials(), arguments));
  v1::CreateContactRequest create;
  *create.mutable_contact() = Person("Ada", "ada@example.org").contact();
  create.set_request_id("quickstart-cpp-ada");  // Sent twice, it gets the first answer twice.
  v1::Contact ada;
  for (int i = 0; i < 2; ++i) Call(*stub, &Stub::CreateContact, create, &ada);
  std::cout << "created " << ada.name() << " version " << ada.etag() << "\n";
  for (const char* name : {"Augusta", "Ada"}) Rename(*stub, ada, name);  // Then the etag is old.
  v1::UpsertContactResponse refused;
  Call(*stub, &Stub::UpsertContact, Person("Nobody", "not an address"), &refused);
  ClientContext context;
  const auto stream = stub->ImportContacts(&context);
  v1::ImportContactsRequest row;
  for (const char* name : {"Grace", "Jean"}) {  // Of many rows, read results while you write.
    *row.mutable_command() = Person(name, std::string(name) + "@example.org");
    stream->Write(row);
    row.set_row(row.row() + 1);
  }
  stream->WritesDone();
  for (v1::ImportContactsResponse result; stream->Read(&result);)
    std::cout << "row " << result.row() << (result.has_error() ? " failed" : " done") << "\n";
  if (!stream->Finish().ok()) return 1;
  KeepPosition(context);
  v1::ListContactsRequest list;
  list.set_filter("display_name = \"Grace\"");
  v1::ListContactsResponse found;
  if (!Call(*stub, &Stub::ListContacts, list, &found).ok()) return 1;
  for (const v1::Contact& each : found.contacts())
    std::cout << "found " << each.display_name() << "\n";
}
