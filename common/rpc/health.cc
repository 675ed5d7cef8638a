#include "common/rpc/health.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/raw_bytes.h"

namespace crm {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr size_t kMaxWatchers = 1000;

std::string Response(ServingStatus status) {
  HealthCheckResponse response;
  response.set_status(status);
  return response.SerializeAsString();
}

bool Parse(std::string_view bytes, HealthCheckRequest* request) {
  return request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

absl::Status Malformed() {
  return Error(absl::StatusCode::kInvalidArgument, "REQUEST_MALFORMED",
               "the request is not a sound grpc.health.v1.HealthCheckRequest");
}

// One watch; freed by the loop. The latest state goes out as soon as the one before has: states in
// between are left out.
class WatchRpc final : public OpenCall, public HealthWatcher {
 public:
  WatchRpc(const RawMethod& method, Health& health, CompletionLoop& loop)
      : method_(method), health_(health), loop_(loop) {
    call_.AsyncNotifyWhenDone(&done_tag_);
    method_.service.RequestStream(method_.index, &call_, &buffer_, &writer_, loop_, &arrived_tag_);
  }

  void Drain() override {}
  void CutOff() override { call_.TryCancel(); }
  void Changed(ServingStatus status) override;

 private:
  void Arrived(bool ok);
  void Begin();
  void WriteLatest();
  void Finish(const absl::Status& status);
  void Wrote(bool ok);
  void Finished(bool) { Completed(); }
  void Done(bool);
  void Completed();

  const RawMethod method_;
  Health& health_;
  CompletionLoop& loop_;
  grpc::ByteBuffer buffer_;
  grpc::ServerContext call_;
  grpc::ServerAsyncWriter<RawBytes> writer_{&call_};
  int completions_left_ = 2;

  Mutex mutex_;
  bool writing_ = false;
  bool done_ = false;
  bool finished_ = false;
  // Empty: sent already.
  std::optional<ServingStatus> latest_;

  MemberTag<WatchRpc, &WatchRpc::Arrived> arrived_tag_{this};
  MemberTag<WatchRpc, &WatchRpc::Wrote> wrote_tag_{this};
  MemberTag<WatchRpc, &WatchRpc::Finished> finished_tag_{this};
  MemberTag<WatchRpc, &WatchRpc::Done> done_tag_{this};
};

void WatchRpc::Arrived(bool ok) {
  if (!ok) {
    delete this;
    return;
  }
  RequestHealthWatches(method_, health_, loop_);
  loop_.Link(this);
  Begin();
}

void WatchRpc::Begin() {
  const grpc::Slice bytes = SingleSlice(&buffer_);
  HealthCheckRequest request;
  const bool sound = Parse(View(bytes), &request);
  if (sound && health_.Watch(this, request.service())) return;
  MutexLock lock(mutex_);
  Finish(sound ? RetryLater(absl::StatusCode::kResourceExhausted, "TOO_MANY_IN_FLIGHT",
                            "too many health watches; use Check", 1000)
               : Malformed());
}

void WatchRpc::Changed(ServingStatus status) {
  MutexLock lock(mutex_);
  latest_ = status;
  WriteLatest();
}

void WatchRpc::WriteLatest() {
  if (writing_ || done_ || finished_ || !latest_) return;
  writing_ = true;
  writer_.Write(RawBytes{Response(*std::exchange(latest_, std::nullopt))}, &wrote_tag_);
}

void WatchRpc::Finish(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  writer_.Finish(ToGrpcStatus(status), &finished_tag_);
}

void WatchRpc::Wrote(bool) {
  MutexLock lock(mutex_);
  writing_ = false;
  if (done_) return Finish(absl::CancelledError("the watch was cancelled"));
  WriteLatest();
}

void WatchRpc::Done(bool) {
  health_.Unwatch(this);
  {
    MutexLock lock(mutex_);
    done_ = true;
    if (!writing_) Finish(absl::CancelledError("the watch was cancelled"));
  }
  Completed();
}

void WatchRpc::Completed() {
  if (--completions_left_ > 0) return;
  loop_.Unlink(this);
  delete this;
}

}  // namespace

bool Health::Knows(const std::string& name) const {
  return name.empty() || std::find(names_.begin(), names_.end(), name) != names_.end();
}

void Health::SetServing(bool serving) {
  MutexLock lock(mutex_);
  if (std::exchange(serving_, serving) == serving) return;
  for (const Entry& entry : watchers_) {
    if (!entry.known) continue;
    entry.watcher->Changed(serving ? HealthCheckResponse::SERVING
                                   : HealthCheckResponse::NOT_SERVING);
  }
}

std::optional<ServingStatus> Health::Find(const std::string& name) {
  if (!Knows(name)) return std::nullopt;
  MutexLock lock(mutex_);
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

bool Health::Watch(HealthWatcher* watcher, const std::string& name) {
  const bool known = Knows(name);
  MutexLock lock(mutex_);
  if (watchers_.size() >= kMaxWatchers) return false;
  watchers_.push_back({watcher, known});
  watcher->Changed(!known     ? HealthCheckResponse::SERVICE_UNKNOWN
                   : serving_ ? HealthCheckResponse::SERVING
                              : HealthCheckResponse::NOT_SERVING);
  return true;
}

void Health::Unwatch(HealthWatcher* watcher) {
  MutexLock lock(mutex_);
  std::erase_if(watchers_, [&](const Entry& entry) { return entry.watcher == watcher; });
}

UnaryHandler HealthCheck(Health& health) {
  return [&health](std::unique_ptr<UnaryCall> call) {
    HealthCheckRequest request;
    if (!Parse(call->request(), &request)) return call->Finish(Malformed());
    const auto status = health.Find(request.service());
    if (status) return call->Finish(Answer{Response(*status), ""});
    call->Finish(Error(absl::StatusCode::kNotFound, "SERVICE_UNKNOWN",
                       "the server has no such service; reflection lists those it has"));
  };
}

void RequestHealthWatches(const RawMethod& method, Health& health, CompletionLoop& loop) {
  if (!loop.closed()) new WatchRpc(method, health, loop);
}

}  // namespace crm
