#include "common/rpc/forwarder.h"

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/rpc/call_metadata.h"
#include "common/rpc/error_details.h"
#include "common/rpc/raw_bytes.h"

namespace crm {
namespace {

// For calls that set none: as a server's own.
constexpr TimeNs kDefaultDeadline = 30 * kSecond;
constexpr int kRetryMilliseconds = 200;
// A replica that hangs is noticed within their sum; a connection that failed is tried again soon.
constexpr int kKeepaliveMilliseconds = 2000;
constexpr int kKeepaliveTimeoutMilliseconds = 2000;
constexpr int kReconnectMilliseconds = 100;
// How long an attempt to connect may take.
constexpr int kConnectMilliseconds = 1000;
constexpr int kMaxReconnectMilliseconds = 1000;
// Addresses change when replicas move; those of long ago need no connection.
constexpr size_t kMaxChannels = 64;

grpc::ChannelArguments ChannelSettings() {
  grpc::ChannelArguments arguments;
  // What the other replica let through, and answered, this one does too.
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMilliseconds);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMilliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMilliseconds);
  // A repeat that gRPC makes by itself would bear the same mark, but nobody asked for it.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return arguments;
}

absl::Status Unknown(std::string_view why) {
  return RetryLater(absl::StatusCode::kUnavailable, "OUTCOME_UNKNOWN",
                    fmt::format("{}; the command may or may not be recorded: retry with the same "
                                "request_id to learn",
                                why),
                    kRetryMilliseconds);
}

// Errors with details are the other replica's; those without were made on the way.
absl::Status ErrorOf(const std::string& endpoint, const grpc::Status& status) {
  if (!status.error_details().empty()) {
    return DecodeError(status.error_code(), status.error_message(), status.error_details());
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return Error(absl::StatusCode::kDeadlineExceeded, "OUTCOME_UNKNOWN",
                 "the partition's owner has not answered in time; the command may or may not be "
                 "recorded: retry with the same request_id to learn");
  }
  return Unknown(fmt::format("the partition's owner at {} cannot be reached", endpoint));
}

struct ForwardedCall {
  std::string endpoint;
  grpc::ClientContext context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  Forwarder::Done done;

  absl::StatusOr<Answer> Result() {
    if (!status.ok()) return ErrorOf(endpoint, status);
    Answer answer;
    const grpc::Slice slice = SingleSlice(&response);
    answer.response = std::string(View(slice));
    answer.position = Trailer(kPositionKey);
    answer.would_record = Trailer(kWouldRecordKey);
    return answer;
  }

  std::string Trailer(const char* key) const {
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto found = trailers.find(key);
    return found == trailers.end() ? "" : std::string(found->second.data(), found->second.size());
  }
};

}  // namespace

struct Forwarder::State {
  explicit State(const Clock& process_clock) : clock(process_clock) {}

  grpc::GenericStub& StubOf(const std::string& endpoint);
  void Prepare(const CallContext& from, ForwardedCall* call) const;
  void Run();
  void Take(ForwardedCall* call);

  const Clock& clock;
  grpc::CompletionQueue queue;
  Mutex mutex;
  bool stopping = false;
  std::map<std::string, std::unique_ptr<grpc::GenericStub>> stubs;
  // Under way; each is the tag of its only completion.
  std::set<ForwardedCall*> calls;
  std::thread thread;
};

grpc::GenericStub& Forwarder::State::StubOf(const std::string& endpoint) {
  // Calls under way keep their channel.
  if (stubs.size() >= kMaxChannels && stubs.count(endpoint) == 0) stubs.clear();
  auto& stub = stubs[endpoint];
  if (stub == nullptr) {
    stub = std::make_unique<grpc::GenericStub>(
        grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), ChannelSettings()));
  }
  return *stub;
}

void Forwarder::State::Prepare(const CallContext& from, ForwardedCall* call) const {
  for (const auto& [key, value] : MetadataOf(from)) {
    if (key != kForwardedKey) call->context.AddMetadata(key, value);
  }
  call->context.AddMetadata(kForwardedKey, "1");
  const TimeNs left = from.deadline == 0 ? kDefaultDeadline
                                         : std::max<TimeNs>(0, from.deadline - clock.Monotonic());
  call->context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left, GPR_TIMESPAN)));
}

void Forwarder::State::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) Take(static_cast<ForwardedCall*>(tag));
}

void Forwarder::State::Take(ForwardedCall* call) {
  const std::unique_ptr<ForwardedCall> owned(call);
  {
    MutexLock lock(mutex);
    calls.erase(call);
  }
  call->done(call->Result());
}

Forwarder::Forwarder(const Clock& clock) : state_(std::make_unique<State>(clock)) {
  state_->thread = std::thread([state = state_.get()] { state->Run(); });
}

Forwarder::~Forwarder() {
  {
    MutexLock lock(state_->mutex);
    state_->stopping = true;
    for (ForwardedCall* call : state_->calls) call->context.TryCancel();
    state_->queue.Shutdown();
  }
  state_->thread.join();
}

void Forwarder::Forward(const std::string& endpoint, const std::string& method,
                        std::string_view request, const CallContext& context, Done done) {
  auto call = std::make_unique<ForwardedCall>();
  call->endpoint = endpoint;
  state_->Prepare(context, call.get());
  const grpc::Slice slice(request.data(), request.size());
  const grpc::ByteBuffer bytes(&slice, 1);
  {
    MutexLock lock(state_->mutex);
    if (!state_->stopping) {
      call->done = std::move(done);
      call->reader =
          state_->StubOf(endpoint).PrepareUnaryCall(&call->context, method, bytes, &state_->queue);
      call->reader->StartCall();
      state_->calls.insert(call.get());
      ForwardedCall* tag = call.release();
      tag->reader->Finish(&tag->response, &tag->status, tag);
      return;
    }
  }
  done(Unknown("this process stops"));
}

}  // namespace crm
