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
  UnaryMethod(RawMethod method, const UnaryHandler& handler, CompletionLoop& loop);
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
  std::vector<UnaryRpc*> free_;
};

}  // namespace crm
