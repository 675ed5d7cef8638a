#include "common/service/operations_service.h"

#include <google/longrunning/operations.pb.h>

#include <map>
#include <memory>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/validate.h"
#include "common/service/resource_reads.h"

namespace crm {
namespace {

using google::protobuf::Message;

const google::protobuf::ServiceDescriptor* Rpc() {
  return google::longrunning::Operation::descriptor()->file()->FindServiceByName("Operations");
}

// The field `name` that every request has; INVALID_ARGUMENT where it is none.
absl::StatusOr<std::string> NameOf(const UnaryCall& call, const Message& type) {
  const std::unique_ptr<Message> request(type.New());
  CRM_RETURN_IF_ERROR(ParseAndValidate(call.request(), request.get()));
  const auto* field = request->GetDescriptor()->FindFieldByName("name");
  return request->GetReflection()->GetString(*request, field);
}

void RefuseDelete(std::unique_ptr<UnaryCall> call) {
  call->Finish(Error(absl::StatusCode::kUnimplemented, "OPERATIONS_STAY",
                     "operations are history and are not deleted; cancel one that runs"));
}

}  // namespace

OperationsService::OperationsService(const std::vector<ServiceHost*>& hosts) {
  for (ServiceHost* host : hosts) {
    const auto& operations = host->definition().operations;
    if (operations.has_value()) served_.push_back({operations->pattern, host});
  }
}

void OperationsService::Register(RpcServer& server) {
  if (served_.empty()) return;
  server.AddService(Rpc());
  for (const char* method :
       {"ListOperations", "GetOperation", "CancelOperation", "WaitOperation"}) {
    server.AddUnary(Rpc(), method, Route(method));
  }
  server.AddUnary(Rpc(), "DeleteOperation", RefuseDelete);
}

UnaryHandler OperationsService::Route(const std::string& method) {
  std::map<std::string, UnaryHandler> by_pattern;
  for (const Served& served : served_) {
    by_pattern[served.pattern] = served.host->OperationHandler(method);
  }
  const Message* type = google::protobuf::MessageFactory::generated_factory()->GetPrototype(
      Rpc()->FindMethodByName(method)->input_type());
  return [by_pattern, type](std::unique_ptr<UnaryCall> call) {
    // Where none other matches, the first says what is wrong with the name.
    const UnaryHandler* handler = &by_pattern.begin()->second;
    const auto name = NameOf(*call, *type);
    if (!name.ok()) return call->Finish(name.status());
    for (const auto& [pattern, each] : by_pattern) {
      const bool names = CheckResourceName(pattern, *name).ok() || pattern == *name + "/*";
      if (names) handler = &each;
    }
    (*handler)(std::move(call));
  };
}

}  // namespace crm
