#include "tools/crmctl/rpc_client.h"

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/alarm.h>
#include <grpcpp/generic/generic_stub.h>

#include "common/base/status.h"
#include "common/rpc/call_metadata.h"
#include "common/rpc/error_details.h"
#include "crm/service_config.h"

namespace crm::crmctl {
namespace {

constexpr char kDetailsKey[] = "grpc-status-details-bin";
constexpr TimeNs kConnectPatience = kSecond;
constexpr TimeNs kRepeatPause = 200 * kMillisecond;

absl::Status NotSound(const std::string& method) {
  return Error(absl::StatusCode::kInternal, "ANSWER_MALFORMED",
               fmt::format("the answer of {} cannot be read; do server and crmctl differ in "
                           "version?",
                           method));
}

// A partition's owner is being replaced; or, with several servers, one went away.
bool IsWorthRepeating(const absl::Status& status, bool several) {
  if (status.code() != absl::StatusCode::kUnavailable) return false;
  const std::string reason = ReasonOf(status);
  return reason == "NOT_OWNER" || reason == "OUTCOME_UNKNOWN" || reason == "NOT_CAUGHT_UP" ||
         (several && (reason == "SERVER_UNREACHABLE" || reason == "SERVER_STOPPED"));
}

// Another time changes nothing: a read, or a command known by its request id.
bool IsRepeatable(const std::string& method, const google::protobuf::Message& request) {
  const std::string_view name = std::string_view(method).substr(method.rfind('/') + 1);
  for (const char* read :
       {"Get", "List", "Preview", "Predict", "Lookup", "Check", "Search", "Wait"}) {
    if (name.starts_with(read)) return true;
  }
  const auto* id = request.GetDescriptor()->FindFieldByName("request_id");
  return id != nullptr && !request.GetReflection()->GetString(request, id).empty();
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
  auto parsed = ParseTargets(target_.address);
  servers_ = parsed.ok() ? *std::move(parsed) : ServerTargets{{{"", target_.address}}};
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  // A dump's answer holds many rows.
  arguments.SetMaxReceiveMessageSize(64 << 20);
  // A server that comes back is met soon.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  // Also how long an attempt to connect may take: a busy machine is no unreachable one.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  for (const auto& server : servers_.servers) {
    channels_.push_back(
        grpc::CreateCustomChannel(server.address, grpc::InsecureChannelCredentials(), arguments));
  }
}

// What does not answer the connection at once is given a moment.
bool RpcClient::IsReachable(size_t server) {
  grpc::Channel& channel = *channels_[server];
  const gpr_timespec deadline = FromNow(kConnectPatience);
  for (;;) {
    const grpc_connectivity_state state = channel.GetState(true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!channel.WaitForStateChange(state, deadline)) return false;
  }
}

const std::shared_ptr<grpc::Channel>& RpcClient::ChannelOf(const std::string& method) {
  const std::string service = ServiceOfMethod(method);
  const std::vector<size_t> places = servers_.Of(service);
  if (places.size() == 1) return channels_[places.front()];
  size_t& chosen = chosen_[service];
  // From the one that served last on.
  for (size_t i = 0; i < places.size(); ++i) {
    const size_t at = (chosen + i) % places.size();
    if (!IsReachable(places[at])) continue;
    chosen = at;
    break;
  }
  return channels_[places.empty() ? 0 : places[chosen % places.size()]];
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
  const gpr_timespec begun = gpr_now(GPR_CLOCK_MONOTONIC);
  const bool several = servers_.Of(ServiceOfMethod(method)).size() > 1;
  TimeNs left = target_.timeout;
  for (;;) {
    absl::Status status = CallOnce(method, request, left, response);
    const gpr_timespec passed = gpr_time_sub(gpr_now(GPR_CLOCK_MONOTONIC), begun);
    left = target_.timeout - (passed.tv_sec * kSecond + passed.tv_nsec) - kRepeatPause;
    if (left <= 0 || !IsWorthRepeating(status, several) || !IsRepeatable(method, request)) {
      return status;
    }
    Pause(kRepeatPause);
  }
}

absl::Status RpcClient::CallOnce(const std::string& method,
                                 const google::protobuf::Message& request, TimeNs timeout,
                                 google::protobuf::Message* response) {
  const auto context = NewContext();
  if (!target_.eventual) context->AddMetadata(kConsistencyKey, "strong");
  context->set_deadline(FromNow(timeout));
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(ChannelOf(method));
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
  grpc::GenericStub stub(ChannelOf(method));
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
