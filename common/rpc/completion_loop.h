#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <thread>

#include "common/rpc/admission.h"
#include "common/rpc/server.h"

// Internal to common/rpc.
namespace crm {

// What all calls of one server share. Outlives the server as long as a stream's items are held.
struct ServerCore {
  ServerCore(RpcServerOptions server_options, const Clock& server_clock, RpcObserver* call_observer)
      : options(std::move(server_options)),
        clock(server_clock),
        observer(call_observer),
        admission(options.max_in_flight, options.max_streams),
        batch_admission(0, options.max_streams) {}

  const RpcServerOptions options;
  const Clock& clock;
  // May be null.
  RpcObserver* const observer;
  Admission admission;
  // Batch streams have a limit of their own, so that imports and reads do not push each other out.
  Admission batch_admission;
};

// What comes back from a completion queue.
class CompletionTag {
 public:
  virtual ~CompletionTag() = default;
  virtual void Proceed(bool ok) = 0;
};

// A tag that calls a member function.
template <typename T, void (T::*kMember)(bool)>
class MemberTag final : public CompletionTag {
 public:
  explicit MemberTag(T* object) : object_(object) {}
  void Proceed(bool ok) override { (object_->*kMember)(ok); }

 private:
  T* const object_;
};

// A call between its arrival and the last of its completions. Linked and told things only on its
// loop's thread.
class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // The server takes nothing new: end as soon as what was accepted is answered.
  virtual void Drain() = 0;
  // The time to answer is over.
  virtual void CutOff() = 0;

 private:
  friend class CompletionLoop;
  OpenCall* next_ = nullptr;
  OpenCall* previous_ = nullptr;
};

// One completion queue and the thread that serves it. Calls stay on the loop they arrived on.
class CompletionLoop {
 public:
  explicit CompletionLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue);
  // Close was called, or Run never.
  ~CompletionLoop();

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }
  // Starts the thread.
  void Start();

  // From any thread, each once, in this order. Close returns when the queue is empty and the thread
  // gone: after the gRPC server has shut down.
  void Drain() { Ring(&drain_alarm_, &drain_tag_); }
  void CutOff() { Ring(&cut_off_alarm_, &cut_off_tag_); }
  void Close();

  // On the loop's thread only.
  void Link(OpenCall* call);
  void Unlink(OpenCall* call);
  // No operation may be started on the queue any more.
  bool closed() const { return closed_; }

 private:
  void Run();
  void Ring(grpc::Alarm* alarm, CompletionTag* tag);
  template <void (OpenCall::*kMember)()>
  void TellAll();
  void OnDrain(bool) { TellAll<&OpenCall::Drain>(); }
  void OnCutOff(bool) { TellAll<&OpenCall::CutOff>(); }
  void OnClose(bool);
  void CloseIfEmpty();

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  OpenCall* first_ = nullptr;
  bool closing_ = false;
  bool closed_ = false;
  MemberTag<CompletionLoop, &CompletionLoop::OnDrain> drain_tag_{this};
  MemberTag<CompletionLoop, &CompletionLoop::OnCutOff> cut_off_tag_{this};
  MemberTag<CompletionLoop, &CompletionLoop::OnClose> close_tag_{this};
  grpc::Alarm drain_alarm_;
  grpc::Alarm cut_off_alarm_;
  grpc::Alarm close_alarm_;
};

}  // namespace crm
