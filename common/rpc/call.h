#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/aggregate/command.h"
#include "common/base/ids.h"

namespace crm {

// What a call brings beside its request. From metadata: `crm-tenant` (default "default"),
// `crm-actor`
// ("principal" or "kind:principal"), `crm-on-behalf-of`, `crm-correlation`, `traceparent`,
// `crm-min-position` (may repeat), `crm-consistency`.
struct CallContext {
  Caller caller;
  std::vector<std::string> min_positions;
  bool strong = false;
  // Another replica passed it on (`crm-forwarded`): it is not passed on again.
  bool forwarded = false;
  // Monotonic. Every call has one.
  TimeNs deadline = 0;
};

// One answer. What is not empty of `position` and `would_record` goes into the trailing metadata
// `crm-position` and `crm-would-record-bin`; the items of a stream have no metadata of their own.
struct Answer {
  std::string response;
  std::string position;
  std::string would_record{};
};

// One unary call, from arrival to answer. Owned by whoever works on it; Finish ends it, from any
// thread, exactly once (a call that is dropped answers INTERNAL).
class UnaryCall {
 public:
  virtual ~UnaryCall() = default;
  virtual const CallContext& context() const = 0;
  // Serialised request; lives as long as the call.
  virtual std::string_view request() const = 0;
  virtual void Finish(absl::StatusOr<Answer> answer) = 0;
};

// Must not block: it runs on a completion thread.
using UnaryHandler = std::function<void(std::unique_ptr<UnaryCall>)>;

// Server-streaming calls run on a thread of their own and may block.
class StreamCall {
 public:
  virtual ~StreamCall() = default;
  virtual const CallContext& context() const = 0;
  virtual std::string_view request() const = 0;
  // Blocks while the client is slow; false when the call is gone (cancelled, deadline, shutdown).
  virtual bool Write(std::string response) = 0;
  // The call was cancelled, its deadline has passed or the server stops.
  virtual bool gone() const = 0;
};

// The status ends the call.
using StreamHandler = std::function<absl::Status(StreamCall&)>;

}  // namespace crm
