#pragma once

#include <google/protobuf/descriptor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/rpc/call.h"

namespace crm {

struct RpcServerOptions {
  // host:port; port 0 takes a free one.
  std::string listen = "127.0.0.1:50051";
  // Threads that take calls off the network.
  int completion_threads = 1;
  // A larger message is refused by the transport with RESOURCE_EXHAUSTED.
  int max_message_bytes = 4 << 20;
  int max_metadata_bytes = 8 << 10;
  // Calls and stream items accepted and not answered yet; above it RESOURCE_EXHAUSTED with
  // RetryInfo.
  int max_in_flight = 4096;
  // Items of one batch stream in flight.
  int batch_window = 256;
  // Server-streaming calls at once; as many batch streams beside them.
  int max_streams = 32;
  // The position that covers all of these, for the trailer of a batch stream; none = the last
  // answer's counts. Thread-safe.
  std::function<std::string(const std::vector<std::string>& positions)> merge_positions;
  // Of unary calls and stream items: for callers that set none, and the longest accepted. Streams
  // end by the client's deadline only; the context of one without has the largest number.
  TimeNs default_deadline = 30 * kSecond;
};

// What the server counts; implemented by RpcMetrics. Thread-safe.
class RpcObserver {
 public:
  virtual ~RpcObserver() = default;
  virtual void Started(std::string_view service, std::string_view method) = 0;
  virtual void Handled(std::string_view service, std::string_view method, absl::StatusCode code,
                       TimeNs duration) = 0;
  virtual void Shed(std::string_view reason) = 0;
};

// A gRPC server that hands out raw bytes: services are given by their descriptors, so reflection
// knows them, and an unparsable request is ours to answer. Health (grpc.health.v1) and reflection
// are on. Add… before Start; then thread-safe.
class RpcServer {
 public:
  RpcServer(RpcServerOptions options, const Clock& clock, RpcObserver* observer);
  // Stops at once where Shutdown was not called.
  ~RpcServer();
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // Every method of the service must get exactly one of the three below. `method` is the short
  // name.
  void AddService(const google::protobuf::ServiceDescriptor* service);
  void AddUnary(const google::protobuf::ServiceDescriptor* service, const std::string& method,
                UnaryHandler handler);
  void AddStream(const google::protobuf::ServiceDescriptor* service, const std::string& method,
                 StreamHandler handler);
  // Bidirectional: each BatchItem's command goes through `handler` as if it were a call of its own
  // with the stream's metadata; each answer becomes a BatchResult, in order of completion. What
  // covers all their positions goes into the trailing metadata.
  void AddBatch(const google::protobuf::ServiceDescriptor* service, const std::string& method,
                UnaryHandler handler);

  // UNAVAILABLE: the address cannot be bound.
  absl::Status Start();
  // The port bound.
  int port() const;
  // Health of every service: NOT_SERVING until set.
  void SetServing(bool serving);
  // Calls and stream items accepted and not answered yet.
  int in_flight() const;
  // Takes no new calls; waits until all accepted ones are answered, `grace` at most, then cuts off.
  void Shutdown(TimeNs grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm
