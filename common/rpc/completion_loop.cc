#include "common/rpc/completion_loop.h"

#include <grpc/support/time.h>

namespace crm {

CompletionLoop::CompletionLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)) {}

CompletionLoop::~CompletionLoop() {
  if (closed_) return;
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
  }
}

void CompletionLoop::Start() {
  thread_ = std::thread([this] { Run(); });
}

void CompletionLoop::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<CompletionTag*>(tag)->Proceed(ok);
}

void CompletionLoop::Ring(grpc::Alarm* alarm, CompletionTag* tag) {
  alarm->Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), tag);
}

void CompletionLoop::Close() {
  Ring(&close_alarm_, &close_tag_);
  thread_.join();
}

template <void (OpenCall::*kMember)()>
void CompletionLoop::TellAll() {
  for (OpenCall* call = first_; call != nullptr;) {
    // A call may unlink itself.
    OpenCall* next = call->next_;
    (call->*kMember)();
    call = next;
  }
}

void CompletionLoop::OnClose(bool) {
  closing_ = true;
  CloseIfEmpty();
}

// The queue is shut down on its own thread and only once no call is open: nobody can start an
// operation on it then, which gRPC would take for a fatal error.
void CompletionLoop::CloseIfEmpty() {
  if (!closing_ || closed_ || first_ != nullptr) return;
  closed_ = true;
  queue_->Shutdown();
}

void CompletionLoop::Link(OpenCall* call) {
  call->previous_ = nullptr;
  call->next_ = first_;
  if (first_ != nullptr) first_->previous_ = call;
  first_ = call;
}

void CompletionLoop::Unlink(OpenCall* call) {
  if (call->next_ != nullptr) call->next_->previous_ = call->previous_;
  (call->previous_ != nullptr ? call->previous_->next_ : first_) = call->next_;
  CloseIfEmpty();
}

}  // namespace crm
