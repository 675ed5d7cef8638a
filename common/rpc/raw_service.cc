#include "common/rpc/raw_service.h"

#include <fmt/format.h>
#include <grpc/support/time.h>

#include <algorithm>
#include <limits>

#include "common/base/status.h"
#include "common/rpc/call_metadata.h"

namespace crm {
namespace {

constexpr int kRetryMilliseconds = 100;
constexpr int kRetryElsewhereMilliseconds = 1000;

grpc::internal::RpcMethod::RpcType TypeOf(const google::protobuf::MethodDescriptor& method) {
  if (method.client_streaming() && method.server_streaming()) {
    return grpc::internal::RpcMethod::BIDI_STREAMING;
  }
  if (method.client_streaming()) return grpc::internal::RpcMethod::CLIENT_STREAMING;
  if (method.server_streaming()) return grpc::internal::RpcMethod::SERVER_STREAMING;
  return grpc::internal::RpcMethod::NORMAL_RPC;
}

// Nanoseconds from now; the largest number where the client set no deadline.
TimeNs Remaining(gpr_timespec deadline) {
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return std::numeric_limits<TimeNs>::max();
  }
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  constexpr int64_t kMaxSeconds = std::numeric_limits<TimeNs>::max() / kSecond - 1;
  return std::min<int64_t>(left.tv_sec, kMaxSeconds) * kSecond + left.tv_nsec;
}

}  // namespace

RawService::RawService(const google::protobuf::ServiceDescriptor* descriptor)
    : descriptor_(descriptor) {
  paths_.reserve(descriptor->method_count());
  for (int i = 0; i < descriptor->method_count(); ++i) {
    const auto& method = *descriptor->method(i);
    paths_.push_back(fmt::format("/{}/{}", descriptor->full_name(), method.name()));
    AddMethod(new grpc::internal::RpcServiceMethod(paths_.back().c_str(), TypeOf(method), nullptr));
    MarkMethodRaw(i);
  }
}

void RawService::RequestUnary(int method, grpc::ServerContext* context, grpc::ByteBuffer* request,
                              grpc::internal::ServerAsyncStreamingInterface* responder,
                              CompletionLoop& loop, CompletionTag* tag) {
  RequestAsyncUnary(method, context, request, responder, loop.queue(), loop.queue(), tag);
}

void RawService::RequestStream(int method, grpc::ServerContext* context, grpc::ByteBuffer* request,
                               grpc::internal::ServerAsyncStreamingInterface* writer,
                               CompletionLoop& loop, CompletionTag* tag) {
  RequestAsyncServerStreaming(method, context, request, writer, loop.queue(), loop.queue(), tag);
}

void RawService::RequestBatch(int method, grpc::ServerContext* context,
                              grpc::internal::ServerAsyncStreamingInterface* stream,
                              CompletionLoop& loop, CompletionTag* tag) {
  RequestAsyncBidiStreaming(method, context, stream, loop.queue(), loop.queue(), tag);
}

absl::Status ReadContext(const grpc::ServerContext& call, const Clock& clock,
                         TimeNs default_deadline, CallContext* context) {
  MetadataReader reader(context);
  for (const auto& [key, value] : call.client_metadata()) {
    reader.Add({key.data(), key.size()}, {value.data(), value.size()});
  }
  const TimeNs remaining = std::min(Remaining(call.raw_deadline()), default_deadline);
  const TimeNs now = clock.Monotonic();
  context->deadline = remaining > std::numeric_limits<TimeNs>::max() - now
                          ? std::numeric_limits<TimeNs>::max()
                          : now + remaining;
  if (remaining <= 0) [[unlikely]] {
    return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                 "the deadline had passed when the call arrived; allow more time");
  }
  return reader.Finish();
}

absl::Status Refusal(Admission::Verdict verdict, std::string_view what, const ServerCore& core) {
  const bool stopping = verdict == Admission::Verdict::kStopping;
  if (core.observer != nullptr) core.observer->Shed(stopping ? "stopping" : what);
  if (stopping) {
    return RetryLater(absl::StatusCode::kUnavailable, "SERVER_STOPPING",
                      "the server is stopping; repeat the call with the same request_id",
                      kRetryElsewhereMilliseconds);
  }
  const int limit = what == "streams" ? core.options.max_streams : core.options.max_in_flight;
  return RetryLater(
      absl::StatusCode::kResourceExhausted, "TOO_MANY_IN_FLIGHT",
      fmt::format("{} {} at once are the limit; retry later or send fewer at once", limit, what),
      kRetryMilliseconds);
}

}  // namespace crm
