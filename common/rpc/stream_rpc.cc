#include "common/rpc/stream_rpc.h"

#include <thread>

#include "common/base/status.h"
#include "common/rpc/raw_bytes.h"

namespace crm {
namespace {

constexpr TimeNs kNoDeadline = std::numeric_limits<TimeNs>::max();

// One call with a thread of its own for the handler. Freed by the loop, after the last completion
// and when the thread has gone.
class StreamRpc final : public OpenCall, private StreamCall {
 public:
  StreamRpc(const RawMethod& method, const StreamHandler& handler, CompletionLoop& loop)
      : method_(method), handler_(handler), loop_(loop) {
    call_.AsyncNotifyWhenDone(&done_tag_);
    method_.service.RequestStream(method_.index, &call_, &buffer_, &writer_, loop_, &arrived_tag_);
  }

  void Drain() override { stopping_.store(true); }
  void CutOff() override { call_.TryCancel(); }

 private:
  const CallContext& context() const override { return context_; }
  std::string_view request() const override { return View(request_); }
  bool Write(std::string response) override;
  bool gone() const override;

  void Arrived(bool ok);
  void RunHandler();
  void Finish(const absl::Status& status);
  void Wrote(bool ok);
  void Finished(bool) { Completed(); }
  void Done(bool);
  void Completed();
  bool stopped() const;

  const RawMethod method_;
  const StreamHandler& handler_;
  CompletionLoop& loop_;
  CallContext context_;
  grpc::ByteBuffer buffer_;
  grpc::Slice request_;
  grpc::ServerContext call_;
  grpc::ServerAsyncWriter<RawBytes> writer_{&call_};
  std::thread thread_;
  TimeNs arrived_ = 0;
  bool admitted_ = false;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> stopping_{false};
  // The handler was told that the call is gone because the server stops.
  mutable std::atomic<bool> interrupted_{false};
  Mutex mutex_;
  CondVar written_;
  bool writing_ = false;
  bool write_ok_ = true;
  // Completions after the handler: finished, and done for one reason or another.
  int completions_left_ = 2;
  MemberTag<StreamRpc, &StreamRpc::Arrived> arrived_tag_{this};
  MemberTag<StreamRpc, &StreamRpc::Wrote> wrote_tag_{this};
  MemberTag<StreamRpc, &StreamRpc::Finished> finished_tag_{this};
  MemberTag<StreamRpc, &StreamRpc::Done> done_tag_{this};
};

void StreamRpc::Arrived(bool ok) {
  if (!ok) {
    delete this;
    return;
  }
  RequestStreams(method_, handler_, loop_);
  loop_.Link(this);
  ServerCore& core = method_.core;
  arrived_ = core.clock.Monotonic();
  if (core.observer != nullptr) core.observer->Started(method_.service_name, method_.name);
  const auto verdict = core.admission.EnterStream();
  if (verdict != Admission::Verdict::kAccepted) {
    return Finish(Refusal(verdict, "streams", core));
  }
  admitted_ = true;
  request_ = SingleSlice(&buffer_);
  if (auto read = ReadContext(call_, core.clock, kNoDeadline, &context_); !read.ok()) {
    return Finish(read);
  }
  thread_ = std::thread([this] { RunHandler(); });
}

void StreamRpc::RunHandler() {
  const absl::Status status = handler_(*this);
  if (status.ok() && interrupted_.load()) {
    return Finish(Error(absl::StatusCode::kUnavailable, "SERVER_STOPPING",
                        "the server is stopping and the stream is not complete; open it again"));
  }
  Finish(status);
}

void StreamRpc::Finish(const absl::Status& status) {
  ServerCore& core = method_.core;
  if (core.observer != nullptr) {
    core.observer->Handled(method_.service_name, method_.name, status.code(),
                           core.clock.Monotonic() - arrived_);
  }
  writer_.Finish(ToGrpcStatus(status), &finished_tag_);
}

bool StreamRpc::stopped() const {
  if (!stopping_.load() && !method_.core.admission.stopping()) return false;
  interrupted_.store(true);
  return true;
}

bool StreamRpc::gone() const {
  return cancelled_.load() || stopped() || method_.core.clock.Monotonic() >= context_.deadline;
}

bool StreamRpc::Write(std::string response) {
  if (gone()) return false;
  MutexLock lock(mutex_);
  if (!write_ok_) return false;
  writing_ = true;
  writer_.Write(RawBytes{std::move(response)}, &wrote_tag_);
  // Ends by itself when the call is cancelled or cut off.
  written_.Wait(lock, [this] { return !writing_; });
  return write_ok_;
}

void StreamRpc::Wrote(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  write_ok_ = ok;
  written_.NotifyOne();
}

void StreamRpc::Done(bool) {
  if (call_.IsCancelled()) cancelled_.store(true);
  Completed();
}

void StreamRpc::Completed() {
  if (--completions_left_ > 0) return;
  if (thread_.joinable()) thread_.join();
  if (admitted_) method_.core.admission.LeaveStream();
  loop_.Unlink(this);
  delete this;
}

}  // namespace

void RequestStreams(const RawMethod& method, const StreamHandler& handler, CompletionLoop& loop) {
  if (!loop.closed()) new StreamRpc(method, handler, loop);
}

}  // namespace crm
