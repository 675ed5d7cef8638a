#pragma once

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/rpc/error_details.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "common/rpc/server.h"
#include "crm/admin/v1/admin_service.pb.h"
#include "crm/contact/v1/contact_service.pb.h"

namespace crm {

inline constexpr char kGet[] = "/crm.contact.v1.ContactService/GetContact";
inline constexpr char kCreate[] = "/crm.contact.v1.ContactService/CreateContact";
inline constexpr char kImport[] = "/crm.contact.v1.ContactService/ImportContacts";
inline constexpr char kReadLog[] = "/crm.admin.v1.AdminService/ReadLog";
inline constexpr TimeNs kPatience = 20 * kSecond;

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline const google::protobuf::ServiceDescriptor* ContactService() {
  return contact::v1::GetContactRequest::descriptor()->file()->service(0);
}
inline const google::protobuf::ServiceDescriptor* AdminService() {
  return admin::v1::GetStatusRequest::descriptor()->file()->service(0);
}

inline grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}
inline std::string ToString(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.Valid() || !buffer.DumpToSingleSlice(&slice).ok()) return "";
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

// Counts what the server reports.
class CountingObserver final : public RpcObserver {
 public:
  void Started(std::string_view, std::string_view) override { ++started; }
  void Handled(std::string_view, std::string_view, absl::StatusCode, TimeNs) override { ++handled; }
  void Shed(std::string_view) override { ++shed; }
  std::atomic<int> started{0};
  std::atomic<int> handled{0};
  std::atomic<int> shed{0};
};

// Calls kept by a handler until the test answers them. Thread-safe.
class HeldCalls {
 public:
  UnaryHandler Hold() {
    return [this](std::unique_ptr<UnaryCall> call) {
      MutexLock lock(mutex_);
      calls_.push_back(std::move(call));
      arrived_.NotifyAll();
    };
  }
  bool WaitFor(size_t count) {
    MutexLock lock(mutex_);
    return arrived_.WaitFor(lock, kPatience, [&] { return calls_.size() >= count; });
  }
  std::deque<std::unique_ptr<UnaryCall>> Take() {
    MutexLock lock(mutex_);
    return std::exchange(calls_, {});
  }

 private:
  Mutex mutex_;
  CondVar arrived_;
  std::deque<std::unique_ptr<UnaryCall>> calls_;
};

inline void EchoCall(std::unique_ptr<UnaryCall> call) {
  call->Finish(Answer{std::string(call->request()), "position-" + call->context().caller.tenant});
}

// The contact and the admin service over loopback, with handlers of the test's choice, and a
// generic client.
class TestServer {
 public:
  explicit TestServer(RpcServerOptions options = {})
      : server_(Local(std::move(options)), clock_, &observer) {}

  UnaryHandler unary = EchoCall;
  UnaryHandler batch = EchoCall;
  StreamHandler stream = [](StreamCall&) { return absl::OkStatus(); };

  void Start() {
    for (const auto* service : {ContactService(), AdminService()}) {
      server_.AddService(service);
      for (int i = 0; i < service->method_count(); ++i) Add(service, service->method(i));
    }
    const absl::Status started = server_.Start();
    ASSERT_TRUE(started.ok()) << started;
    server_.SetServing(true);
    channel = NewChannel();
    stub = std::make_unique<grpc::GenericStub>(channel);
  }

  std::shared_ptr<grpc::Channel> NewChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(server_.port()),
                                     grpc::InsecureChannelCredentials(), arguments);
  }

  RpcServer& server() { return server_; }
  CountingObserver observer;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<grpc::GenericStub> stub;

 private:
  static RpcServerOptions Local(RpcServerOptions options) {
    options.listen = "127.0.0.1:0";
    return options;
  }

  void Add(const google::protobuf::ServiceDescriptor* service,
           const google::protobuf::MethodDescriptor* method) {
    if (method->client_streaming()) {
      server_.AddBatch(service, method->name(), batch);
    } else if (method->server_streaming()) {
      server_.AddStream(service, method->name(), stream);
    } else {
      server_.AddUnary(service, method->name(), unary);
    }
  }

  SystemClock clock_;
  RpcServer server_;
};

// The end of a call as its client sees it.
struct Reply {
  absl::Status status;
  std::string response;
  std::string position;
};

// A unary call that is under way.
class ClientCall {
 public:
  ClientCall(grpc::GenericStub& stub, const std::string& method, const std::string& request,
             const Pairs& metadata = {}, TimeNs deadline = kPatience) {
    for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
    if (deadline > 0) {
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::nanoseconds(deadline));
    }
    reader_ = stub.PrepareUnaryCall(&context, method, ToBuffer(request), &queue_);
    reader_->StartCall();
    reader_->Finish(&response_, &status_, this);
  }
  ~ClientCall() {
    if (!waited_) {
      context.TryCancel();
      Wait();
    }
  }

  Reply Wait() {
    void* tag = nullptr;
    bool ok = false;
    if (!std::exchange(waited_, true)) queue_.Next(&tag, &ok);
    Reply reply;
    reply.status =
        DecodeError(status_.error_code(), status_.error_message(), status_.error_details());
    reply.response = ToString(response_);
    const auto& trailers = context.GetServerTrailingMetadata();
    if (const auto found = trailers.find("crm-position"); found != trailers.end()) {
      reply.position = std::string(found->second.data(), found->second.size());
    }
    return reply;
  }

  grpc::ClientContext context;

 private:
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;
  grpc::ByteBuffer response_;
  grpc::Status status_;
  bool waited_ = false;
};

inline Reply Invoke(TestServer& server, const std::string& method, const std::string& request,
                    const Pairs& metadata = {}) {
  return ClientCall(*server.stub, method, request, metadata).Wait();
}

// A streaming call; every operation blocks.
class ClientStream {
 public:
  ClientStream(grpc::GenericStub& stub, const std::string& method, const Pairs& metadata = {}) {
    for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::nanoseconds(kPatience * 2));
    stream_ = stub.PrepareCall(&context, method, &queue_);
    stream_->StartCall(Tag(1));
    Await(1);
  }
  ~ClientStream() {
    context.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // One writer and one reader thread at once.
  bool Write(const std::string& bytes) {
    stream_->Write(ToBuffer(bytes), Tag(2));
    return Await(2);
  }
  bool WritesDone() {
    stream_->WritesDone(Tag(2));
    return Await(2);
  }
  bool Read(std::string* out) {
    grpc::ByteBuffer buffer;
    stream_->Read(&buffer, Tag(3));
    if (!Await(3)) return false;
    *out = ToString(buffer);
    return true;
  }
  Reply Finish() {
    grpc::Status status;
    stream_->Finish(&status, Tag(4));
    Await(4);
    Reply reply;
    reply.status = DecodeError(status.error_code(), status.error_message(), status.error_details());
    const auto& trailers = context.GetServerTrailingMetadata();
    if (const auto found = trailers.find("crm-position"); found != trailers.end()) {
      reply.position = std::string(found->second.data(), found->second.size());
    }
    return reply;
  }

  grpc::ClientContext context;

 private:
  static void* Tag(intptr_t number) { return reinterpret_cast<void*>(number); }

  // Whoever polls hands out what comes for others.
  bool Await(intptr_t number) {
    for (;;) {
      {
        MutexLock lock(mutex_);
        changed_.Wait(lock, [&] { return !polling_ || done_[number] >= 0; });
        if (done_[number] >= 0) return std::exchange(done_[number], -1) == 1;
        polling_ = true;
      }
      void* tag = nullptr;
      bool ok = false;
      queue_.Next(&tag, &ok);
      MutexLock lock(mutex_);
      done_[reinterpret_cast<intptr_t>(tag)] = ok ? 1 : 0;
      polling_ = false;
      changed_.NotifyAll();
    }
  }

  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  Mutex mutex_;
  CondVar changed_;
  bool polling_ = false;
  int done_[5] = {-1, -1, -1, -1, -1};
};

}  // namespace crm
