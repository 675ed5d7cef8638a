#include "tools/crmctl/rpc_client.h"

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/generic/generic_stub.h>

#include "common/base/status.h"
#include "common/rpc/call_metadata.h"
#include "common/rpc/error_details.h"

namespace crm::crmctl {
namespace {

constexpr char kDetailsKey[] = "grpc-status-details-bin";

absl::Status NotSound(const std::string& method) {
  return Error(absl::StatusCode::kInternal, "ANSWER_MALFORMED",
               fmt::format("the answer of {} cannot be read; do server and crmctl differ in "
                           "version?",
                           method));
}

// Waits for the one thing that is under way.
bool Wait(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

}  // namespace

gpr_timespec FromNow(TimeNs from_now) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(from_now, GPR_TIMESPAN));
}

void Pause(TimeNs how_long) {
  grpc::CompletionQueue queue;
  grpc::Alarm alarm;
  alarm.Set(&queue, FromNow(how_long), nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
}

grpc::ByteBuffer ToBuffer(const google::protobuf::Message& message) {
  const std::string bytes = message.SerializeAsString();
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

bool FromBuffer(grpc::ByteBuffer* buffer, google::protobuf::Message* message) {
  std::vector<grpc::Slice> slices;
  if (!buffer->Dump(&slices).ok()) return false;
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return message->ParseFromString(bytes);
}

RpcClient::RpcClient(RpcTarget target) : target_(std::move(target)) {
  grpc::ChannelArguments arguments;
  // A dump's answer holds many rows.
  arguments.SetMaxReceiveMessageSize(64 << 20);
  // A server that comes back is met soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  channel_ =
      grpc::CreateCustomChannel(target_.address, grpc::InsecureChannelCredentials(), arguments);
}

std::unique_ptr<grpc::ClientContext> RpcClient::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  if (!target_.tenant.empty()) context->AddMetadata(kTenantKey, target_.tenant);
  if (!target_.actor.empty()) context->AddMetadata(kActorKey, target_.actor);
  return context;
}

absl::Status RpcClient::ToStatus(const grpc::Status& status,
                                 const grpc::ClientContext& context) const {
  if (status.ok()) return absl::OkStatus();
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto details = trailers.find(kDetailsKey);
  if (details != trailers.end()) {
    const std::string bytes(details->second.data(), details->second.size());
    return DecodeError(status.error_code(), status.error_message(), bytes);
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return Error(absl::StatusCode::kUnavailable, "SERVER_UNREACHABLE",
                 fmt::format("cannot reach a server at {}: is it running? Name another with "
                             "--target HOST:PORT or CRMCTL_TARGET",
                             target_.address));
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return Error(absl::StatusCode::kDeadlineExceeded, "NO_ANSWER_IN_TIME",
                 fmt::format("{} has not answered within {} s; try again, or with a longer "
                             "--timeout",
                             target_.address, target_.timeout / kSecond));
  }
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    return Error(
        absl::StatusCode::kUnimplemented, "NOT_OFFERED",
        fmt::format("{} does not offer this call; is it a CRM of this version?", target_.address));
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

absl::Status RpcClient::Call(const std::string& method, const google::protobuf::Message& request,
                             google::protobuf::Message* response) {
  const auto context = NewContext();
  context->AddMetadata(kConsistencyKey, "strong");
  context->set_deadline(FromNow(target_.timeout));
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel_);
  const auto call = stub.PrepareUnaryCall(context.get(), method, ToBuffer(request), &queue);
  grpc::ByteBuffer bytes;
  grpc::Status status;
  call->StartCall();
  call->Finish(&bytes, &status, nullptr);
  Wait(queue);
  if (!status.ok()) return ToStatus(status, *context);
  return FromBuffer(&bytes, response) ? absl::OkStatus() : NotSound(method);
}

absl::Status RpcClient::CallStream(const std::string& method,
                                   const google::protobuf::Message& request,
                                   google::protobuf::Message* response,
                                   const std::function<bool()>& each) {
  const auto context = NewContext();
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel_);
  const auto call = stub.PrepareCall(context.get(), method, &queue);
  call->StartCall(nullptr);
  bool going_on = Wait(queue);
  bool sound = true;
  bool wanted = true;
  if (going_on) {
    call->WriteLast(ToBuffer(request), grpc::WriteOptions(), nullptr);
    going_on = Wait(queue);
  }
  grpc::ByteBuffer bytes;
  while (going_on && sound && wanted) {
    call->Read(&bytes, nullptr);
    going_on = Wait(queue);
    if (!going_on) break;
    sound = FromBuffer(&bytes, response);
    wanted = sound && each();
  }
  if (going_on) context->TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  Wait(queue);
  if (!sound) return NotSound(method);
  return wanted ? ToStatus(status, *context) : absl::OkStatus();
}

}  // namespace crm::crmctl
