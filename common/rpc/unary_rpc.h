#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "common/rpc/raw_bytes.h"
#include "common/rpc/raw_service.h"

// Internal to common/rpc.
namespace crm {

class UnaryRpc;

// A unary method on one loop: keeps a number of calls requested from gRPC and reuses their objects.
// Used on the loop's thread; deleted after the loop was closed.
class UnaryMethod {
 public:
  // `requested`: calls kept waiting to be matched with the network. Each arrival asks for the next
  // one, so it bounds the burst that gRPC hands over without queueing it itself.
  UnaryMethod(RawMethod method, const UnaryHandler& handler, CompletionLoop& loop, int requested);
  ~UnaryMethod();
  UnaryMethod(const UnaryMethod&) = delete;
  UnaryMethod& operator=(const UnaryMethod&) = delete;

  // Before the loop starts, with the server running.
  void RequestCalls();

 private:
  friend class UnaryRpc;
  void RequestOne();
  void Recycle(UnaryRpc* rpc);

  const RawMethod method_;
  const UnaryHandler& handler_;
  CompletionLoop& loop_;
  const int requested_;
  std::vector<UnaryRpc*> free_;
};

}  // namespace crm
