#pragma once

#include <google/protobuf/descriptor.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/aggregate/command.h"
#include "common/rpc/call.h"

namespace crm {

class Forwarder;

// Passes what another replica must decide on to it, once. A lane refuses what is not its own with
// NOT_OWNER and the address found in the log's last ownership record; where that is another
// process's, the call goes there as it came. Thread-safe.
class CommandPassing {
 public:
  // Without a forwarder nothing is passed on. `own`: the address under which this process owns
  // partitions. What it refers to outlives it.
  CommandPassing(Forwarder* forwarder, std::string own,
                 const google::protobuf::ServiceDescriptor* rpc);

  // Answers the call with its refusal, or as the owner that the refusal names answers.
  void Answer(const std::shared_ptr<UnaryCall>& call, const std::string& method,
              const absl::Status& refusal) const;

  // For a command that is on its way to a lane: where it can be made as a call (Command::as_call)
  // and is refused with another's address, `done` gets the owner's answer. Of an outcome it then
  // knows no more than that it is one.
  void Prepare(Command* command) const;

 private:
  // Empty: the refusal is the answer.
  std::string OwnerElsewhere(const absl::Status& refusal) const;
  std::string PathOf(const std::string& method) const;
  std::string RequestOf(const Command& command) const;

  Forwarder* const forwarder_;
  const std::string own_;
  const google::protobuf::ServiceDescriptor* const rpc_;
};

}  // namespace crm
