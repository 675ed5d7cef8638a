#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/rpc/call.h"

namespace crm {

// Passes calls on to other replicas, as bytes and metadata. A call is passed on once: it bears
// `crm-forwarded`, and whoever takes it answers it or refuses. Thread-safe; channels are kept by
// address.
class Forwarder {
 public:
  using Done = std::function<void(absl::StatusOr<Answer>)>;

  explicit Forwarder(const Clock& clock);
  // Calls under way answer UNAVAILABLE.
  ~Forwarder();

  // `method`: "/crm.contact.v1.ContactService/CreateContact". The answer is the other's, with its
  // error details and position; one that never came is UNAVAILABLE (OUTCOME_UNKNOWN). `done` runs
  // once, on a thread of the forwarder or before this returns; must not block.
  void Forward(const std::string& endpoint, const std::string& method, std::string_view request,
               const CallContext& context, Done done);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace crm
