#pragma once

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/rpc/completion_loop.h"

// Internal to common/rpc.
namespace crm {

// A gRPC service made from its descriptor: registered under its name, so that reflection and
// dispatch know it, while requests and responses stay bytes.
class RawService final : public grpc::Service {
 public:
  explicit RawService(const google::protobuf::ServiceDescriptor* descriptor);

  const google::protobuf::ServiceDescriptor* descriptor() const { return descriptor_; }

  // The next call of the method with this index, through `loop`; each may be outstanding many
  // times.
  void RequestUnary(int method, grpc::ServerContext* context, grpc::ByteBuffer* request,
                    grpc::internal::ServerAsyncStreamingInterface* responder, CompletionLoop& loop,
                    CompletionTag* tag);
  void RequestStream(int method, grpc::ServerContext* context, grpc::ByteBuffer* request,
                     grpc::internal::ServerAsyncStreamingInterface* writer, CompletionLoop& loop,
                     CompletionTag* tag);
  void RequestBatch(int method, grpc::ServerContext* context,
                    grpc::internal::ServerAsyncStreamingInterface* stream, CompletionLoop& loop,
                    CompletionTag* tag);

 private:
  const google::protobuf::ServiceDescriptor* const descriptor_;
  // gRPC keeps pointers into these.
  std::vector<std::string> paths_;
};

// One method of a server and what its calls need. Names live as long as the descriptor.
struct RawMethod {
  ServerCore& core;
  RawService& service;
  int index = 0;
  std::string_view service_name;
  std::string_view name;
  // Outside admission: never shed, answered while the server stops. For health checks.
  bool exempt = false;
};

// Common to all kinds of calls: metadata and deadline of a call that has just arrived. Fails with
// INVALID_ARGUMENT or DEADLINE_EXCEEDED. `default_deadline`: for callers that set none and the
// longest accepted; nanoseconds.
absl::Status ReadContext(const grpc::ServerContext& call, const Clock& clock,
                         TimeNs default_deadline, CallContext* context);

// Errors of "calls", "items" and "streams" that are not accepted. Counts a shed one.
absl::Status Refusal(Admission::Verdict verdict, std::string_view what, const ServerCore& core);

}  // namespace crm
