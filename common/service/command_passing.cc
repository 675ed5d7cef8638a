#include "common/service/command_passing.h"

#include <google/protobuf/message.h>
#include <google/rpc/error_info.pb.h>

#include <utility>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/rpc/forwarder.h"

namespace crm {
namespace {

using google::protobuf::Message;

constexpr char kErrorInfo[] = "type.googleapis.com/google.rpc.ErrorInfo";

std::unique_ptr<Message> NewRequest(const google::protobuf::MethodDescriptor& method) {
  const Message* prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.input_type());
  return std::unique_ptr<Message>(prototype->New());
}

}  // namespace

CommandPassing::CommandPassing(Forwarder* forwarder, std::string own,
                               const google::protobuf::ServiceDescriptor* rpc)
    : forwarder_(forwarder), own_(std::move(own)), rpc_(rpc) {}

std::string CommandPassing::OwnerElsewhere(const absl::Status& refusal) const {
  if (forwarder_ == nullptr || refusal.code() != absl::StatusCode::kUnavailable) return "";
  const auto payload = refusal.GetPayload(kErrorInfo);
  google::rpc::ErrorInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) return "";
  const auto owner = info.metadata().find("owner");
  if (info.reason() != "NOT_OWNER" || owner == info.metadata().end()) return "";
  return owner->second == own_ ? "" : owner->second;
}

std::string CommandPassing::PathOf(const std::string& method) const {
  if (method.starts_with('/')) return method;
  return "/" + rpc_->full_name() + "/" + method;
}

void CommandPassing::Answer(const std::shared_ptr<UnaryCall>& call, const std::string& method,
                            const absl::Status& refusal) const {
  const std::string owner = call->context().forwarded ? "" : OwnerElsewhere(refusal);
  if (owner.empty()) return call->Finish(refusal);
  forwarder_->Forward(
      owner, PathOf(method), call->request(), call->context(),
      [call](absl::StatusOr<crm::Answer> answer) { call->Finish(std::move(answer)); });
}

// What the runner of reactions filled in goes into fields of the same names.
std::string CommandPassing::RequestOf(const Command& command) const {
  const auto* method = rpc_->FindMethodByName(command.as_call->method);
  CRM_CHECK(method != nullptr);
  const std::unique_ptr<Message> request = NewRequest(*method);
  CRM_CHECK(request->ParseFromString(command.as_call->request));
  const auto* type = request->GetDescriptor();
  const auto* reflection = request->GetReflection();
  reflection->SetString(request.get(), type->FindFieldByName("request_id"), command.request_id);
  reflection->SetString(request.get(), type->FindFieldByName("causation_id"), command.causation_id);
  if (command.source.has_value()) {
    reflection->MutableMessage(request.get(), type->FindFieldByName("source"))
        ->CopyFrom(*command.source);
  }
  return request->SerializeAsString();
}

void CommandPassing::Prepare(Command* command) const {
  if (forwarder_ == nullptr || !command->as_call.has_value()) return;
  // A lane consumes the command before it answers.
  struct Passed {
    std::string path;
    std::string request;
    CallContext context;
    std::function<void(absl::StatusOr<Outcome>)> done;
  };
  auto passed = std::make_shared<Passed>();
  passed->path = PathOf(command->as_call->method);
  passed->request = RequestOf(*command);
  passed->context.caller = command->caller;
  passed->context.deadline = command->deadline;
  passed->done = std::move(command->done);
  command->done = [this, passed](absl::StatusOr<Outcome> outcome) {
    const std::string owner = outcome.ok() ? "" : OwnerElsewhere(outcome.status());
    if (owner.empty()) return passed->done(std::move(outcome));
    forwarder_->Forward(owner, passed->path, passed->request, passed->context,
                        [passed](const absl::StatusOr<crm::Answer>& answer) {
                          if (!answer.ok()) return passed->done(answer.status());
                          passed->done(Outcome());
                        });
  };
}

}  // namespace crm
