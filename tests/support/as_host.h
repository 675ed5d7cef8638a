#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/validate.h"
#include "common/service/service_definition.h"

namespace crm {

// What the host does to a request before a method sees it, for tests of methods without a host.

// The faults by the rules of its proto.
inline absl::Status CheckAsHost(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> arrived(request.New());
  return ParseAndValidate(request.SerializeAsString(), arrived.get());
}

// The command of a request; refused with the faults by the rules and the method's own together.
inline absl::StatusOr<std::unique_ptr<Command>> PrepareAsHost(
    const CommandMethod& method, const CommandContext& context,
    const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> arrived(request.New());
  FieldFaults faults;
  CRM_RETURN_IF_ERROR(ParseAndValidate(request.SerializeAsString(), arrived.get(), &faults));
  auto command = method.prepare(context, *arrived);
  if (!faults.empty()) return JoinFaults(std::move(faults), command.status());
  return command;
}

}  // namespace crm
