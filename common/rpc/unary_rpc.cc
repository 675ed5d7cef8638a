#include "common/rpc/unary_rpc.h"

#include "common/base/status.h"
#include "common/rpc/call_metadata.h"

namespace crm {
namespace {

// Objects kept for use again, per method and loop.
constexpr size_t kKept = 1024;

}  // namespace

// One unary call after the other. Two parties refer to it: the loop, from request to last
// completion, and the caller's handle. Whichever leaves last frees it; where that is the loop, as
// nearly always, it is used again.
class UnaryRpc final : public OpenCall {
 public:
  explicit UnaryRpc(UnaryMethod& method) : method_(method) {}

  void Request();
  // From any thread; the first answer counts. The caller holds a reference.
  void Answer(absl::StatusOr<crm::Answer> answer);
  void Unref();

  bool answered() const { return answered_.load(std::memory_order_acquire); }
  const CallContext& context() const { return context_; }
  std::string_view request() const { return View(request_); }

  void Drain() override {}
  void CutOff() override;

 private:
  void Arrived(bool ok);
  void Sent(bool ok);
  void Send(absl::StatusOr<crm::Answer> answer);

  UnaryMethod& method_;
  std::atomic<int> references_{1};
  std::atomic<bool> answered_{false};
  TimeNs arrived_ = 0;
  CallContext context_;
  grpc::ByteBuffer buffer_;
  grpc::Slice request_;
  std::optional<grpc::ServerContext> call_;
  std::optional<grpc::ServerAsyncResponseWriter<RawBytes>> responder_;
  MemberTag<UnaryRpc, &UnaryRpc::Arrived> arrived_tag_{this};
  MemberTag<UnaryRpc, &UnaryRpc::Sent> sent_tag_{this};

  friend class UnaryHandle;
};

// What the handler owns.
class UnaryHandle final : public UnaryCall {
 public:
  explicit UnaryHandle(UnaryRpc* rpc) : rpc_(rpc) {
    rpc_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  ~UnaryHandle() override {
    if (!rpc_->answered()) {
      rpc_->Answer(Error(absl::StatusCode::kInternal, "CALL_DROPPED",
                         "the call was dropped without an answer; this is a fault of the server"));
    }
    rpc_->Unref();
  }

  const CallContext& context() const override { return rpc_->context(); }
  std::string_view request() const override { return rpc_->request(); }
  void Finish(absl::StatusOr<Answer> answer) override { rpc_->Answer(std::move(answer)); }

 private:
  UnaryRpc* const rpc_;
};

void UnaryRpc::Request() {
  call_.emplace();
  responder_.emplace(&*call_);
  answered_.store(false, std::memory_order_relaxed);
  const RawMethod& method = method_.method_;
  method.service.RequestUnary(method.index, &*call_, &buffer_, &*responder_, method_.loop_,
                              &arrived_tag_);
}

void UnaryRpc::Arrived(bool ok) {
  if (!ok) return Unref();
  method_.RequestOne();
  method_.loop_.Link(this);
  const ServerCore& core = method_.method_.core;
  arrived_ = core.clock.Monotonic();
  if (core.observer != nullptr) {
    core.observer->Started(method_.method_.service_name, method_.method_.name);
  }
  request_ = SingleSlice(&buffer_);
  const auto verdict = method_.method_.exempt ? Admission::Verdict::kAccepted
                                              : method_.method_.core.admission.EnterCall();
  if (verdict != Admission::Verdict::kAccepted) [[unlikely]] {
    answered_.store(true, std::memory_order_relaxed);
    return Send(Refusal(verdict, "calls", core));
  }
  auto read = ReadContext(*call_, core.clock, core.options.default_deadline, &context_);
  if (!read.ok()) [[unlikely]]
    return Answer(std::move(read));
  method_.handler_(std::make_unique<UnaryHandle>(this));
}

void UnaryRpc::Answer(absl::StatusOr<crm::Answer> answer) {
  // Whoever loses this race may find the server gone: it must touch nothing but this object.
  if (answered_.exchange(true, std::memory_order_acq_rel)) return;
  // Before sending: right after it the server may be gone.
  if (!method_.method_.exempt) method_.method_.core.admission.LeaveCall();
  Send(std::move(answer));
}

void UnaryRpc::Send(absl::StatusOr<crm::Answer> answer) {
  const RawMethod& method = method_.method_;
  if (method.core.observer != nullptr) {
    method.core.observer->Handled(method.service_name, method.name, answer.status().code(),
                                  method.core.clock.Monotonic() - arrived_);
  }
  if (!answer.ok()) return responder_->FinishWithError(ToGrpcStatus(answer.status()), &sent_tag_);
  if (!answer->position.empty()) call_->AddTrailingMetadata(kPositionKey, answer->position);
  if (!answer->would_record.empty()) [[unlikely]] {
    call_->AddTrailingMetadata(kWouldRecordKey, answer->would_record);
  }
  responder_->Finish(RawBytes{std::move(answer->response)}, grpc::Status::OK, &sent_tag_);
}

void UnaryRpc::CutOff() {
  Answer(Error(absl::StatusCode::kUnavailable, "SERVER_STOPPED",
               "the server stopped before the call was answered; its outcome is unknown: repeat it "
               "with the same request_id"));
}

void UnaryRpc::Sent(bool) {
  method_.loop_.Unlink(this);
  responder_.reset();
  call_.reset();
  // Only the loop's reference is left: nobody can add one.
  if (references_.load(std::memory_order_acquire) == 1) {
    request_ = grpc::Slice();
    return method_.Recycle(this);
  }
  Unref();
}

void UnaryRpc::Unref() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

UnaryMethod::UnaryMethod(RawMethod method, const UnaryHandler& handler, CompletionLoop& loop,
                         int requested)
    : method_(method), handler_(handler), loop_(loop), requested_(requested) {}

UnaryMethod::~UnaryMethod() {
  for (UnaryRpc* rpc : free_) delete rpc;
}

void UnaryMethod::RequestCalls() {
  for (int i = 0; i < requested_; ++i) RequestOne();
}

void UnaryMethod::RequestOne() {
  if (loop_.closed()) return;
  if (free_.empty()) free_.push_back(new UnaryRpc(*this));
  UnaryRpc* rpc = free_.back();
  free_.pop_back();
  rpc->Request();
}

void UnaryMethod::Recycle(UnaryRpc* rpc) {
  if (free_.size() >= kKept) return rpc->Unref();
  free_.push_back(rpc);
}

}  // namespace crm
