#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/sync_stream.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/rpc/error_details.h"
#include "crm/admin/v1/admin_service.pb.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace crm {

using CallMetadataPairs = std::vector<std::pair<std::string, std::string>>;

struct CallOptions {
  CallMetadataPairs metadata;
  TimeNs timeout = 30 * kSecond;
};

// How a call ended. `status` carries the google.rpc details as payloads.
template <typename Response>
struct Answered {
  absl::Status status;
  Response response;
  // Trailing metadata `crm-position` and `crm-would-record-bin`.
  std::string position;
  std::string would_record{};

  bool ok() const { return status.ok(); }
};

// The paths of the fields a BadRequest names.
std::vector<std::string> FaultyFields(const absl::Status& status);
// One value of the ErrorInfo's metadata; empty where it has none.
std::string ErrorMetadataOf(const absl::Status& status, const std::string& key);

// Calls to one server over a connection of its own. Thread-safe.
class ContactClient {
 public:
  explicit ContactClient(const std::string& address);

  template <typename Response, typename Request>
  Answered<Response> Call(const std::string& path, const Request& request,
                          const CallOptions& options = {}) const {
    grpc::ClientContext context;
    Prepare(options, &context);
    const grpc::internal::RpcMethod method(path.c_str(), grpc::internal::RpcMethod::NORMAL_RPC);
    Answered<Response> answered;
    const grpc::Status status = grpc::internal::BlockingUnaryCall<Request, Response>(
        channel_.get(), method, &context, request, &answered.response);
    answered.status = ToStatus(status);
    answered.position = TrailerOf(context, "crm-position");
    answered.would_record = TrailerOf(context, "crm-would-record-bin");
    return answered;
  }

  // A server-streaming call; `each` sees every answer until it answers false.
  template <typename Response, typename Request>
  absl::Status Stream(const std::string& path, const Request& request,
                      const std::function<bool(const Response&)>& each,
                      const CallOptions& options = {{}, 120 * kSecond}) const {
    grpc::ClientContext context;
    Prepare(options, &context);
    const grpc::internal::RpcMethod method(path.c_str(),
                                           grpc::internal::RpcMethod::SERVER_STREAMING);
    const std::unique_ptr<grpc::ClientReader<Response>> reader(
        grpc::internal::ClientReaderFactory<Response>::Create(channel_.get(), method, &context,
                                                              request));
    Response response;
    while (reader->Read(&response)) {
      if (!each(response)) context.TryCancel();
    }
    return ToStatus(reader->Finish());
  }

  // Request and response as they stand on the wire.
  Answered<std::string> Raw(const std::string& path, const std::string& request,
                            const CallOptions& options = {}) const;

  using Contact = contact::v1::Contact;
  Answered<Contact> Get(const contact::v1::GetContactRequest& request,
                        const CallOptions& options = {}) const;
  Answered<Contact> Get(const std::string& name, const CallOptions& options = {}) const;
  Answered<Contact> Create(const contact::v1::CreateContactRequest& request,
                           const CallOptions& options = {}) const;
  Answered<Contact> Update(const contact::v1::UpdateContactRequest& request,
                           const CallOptions& options = {}) const;
  Answered<Contact> Delete(const contact::v1::DeleteContactRequest& request,
                           const CallOptions& options = {}) const;
  Answered<contact::v1::UpsertContactResponse> Upsert(
      const contact::v1::UpsertContactRequest& request, const CallOptions& options = {}) const;
  Answered<contact::v1::ListContactsResponse> List(const contact::v1::ListContactsRequest& request,
                                                   const CallOptions& options = {}) const;
  Answered<contact::v1::ListContactRevisionsResponse> Revisions(
      const contact::v1::ListContactRevisionsRequest& request,
      const CallOptions& options = {}) const;

  // Upserts over one import stream; answers come in any order. The stream's own status.
  absl::Status Import(const std::vector<contact::v1::UpsertContactRequest>& rows,
                      const std::function<void(const contact::v1::ImportContactsResponse&)>& each,
                      const CallOptions& options = {{}, 300 * kSecond}) const;

  // Every page of ListContacts.
  absl::Status ListAll(contact::v1::ListContactsRequest request, std::vector<Contact>* contacts,
                       const CallOptions& options = {}) const;
  // Every page of ListContactRevisions.
  absl::Status AllRevisions(const std::string& name,
                            std::vector<contact::v1::ContactRevision>* revisions) const;

  Answered<admin::v1::GetStatusResponse> Status(const CallOptions& options = {}) const;
  // Hash of each partition of a projection of the contact service.
  struct Hashes {
    absl::Status status;
    std::map<int, std::string> by_partition;
  };
  Hashes Dump(const std::string& projection, admin::v1::DumpProjectionRequest::Kind kind) const;
  // OK: the projection equals a fold anew.
  absl::Status Verify(const std::string& projection) const;
  // OK: VerifyLog found no problem; else DATA_LOSS with the first.
  absl::Status VerifyLog() const;
  // Events every reader applies, in order within a partition.
  absl::Status ReadEvents(const std::function<void(const admin::v1::LogEntry&)>& each) const;
  // End offsets of the contact topic, by partition.
  std::vector<int64_t> LogEnd() const;

  // Waits until the server answers a call.
  absl::Status WaitForAnswer(TimeNs wait) const;

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  static void Prepare(const CallOptions& options, grpc::ClientContext* context);
  static absl::Status ToStatus(const grpc::Status& status);
  static std::string TrailerOf(const grpc::ClientContext& context, const char* key);

  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace crm
