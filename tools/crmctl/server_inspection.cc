#include "tools/crmctl/server_inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/base/status.h"

namespace crm::crmctl {
namespace {

using namespace admin::v1;  // NOLINT: this file is about nothing else

std::string Method(const char* name) {
  return std::string("/crm.admin.v1.AdminService/") + name;
}

template <typename Answer>
absl::Status Stream(RpcClient& client, const char* method, const google::protobuf::Message& request,
                    const std::function<bool(const Answer&)>& each) {
  Answer answer;
  return client.CallStream(Method(method), request, &answer, [&] { return each(answer); });
}

}  // namespace

ServerInspection::ServerInspection(RpcClient& client) {
  for (const auto& server : client.servers().servers) {
    RpcTarget target = client.target();
    target.address = server.address;
    servers_.push_back(
        {server.service, server.address, std::make_unique<RpcClient>(std::move(target))});
  }
}

bool ServerInspection::HasReplicas(const Server& server) const {
  return std::count_if(servers_.begin(), servers_.end(),
                       [&](const Server& other) { return other.service == server.service; }) > 1;
}

absl::StatusOr<RpcClient*> ServerInspection::ClientOf(const std::string& service) {
  const size_t at = service.find('@');
  const std::string name = service.substr(0, at);
  const std::string address = at == std::string::npos ? "" : service.substr(at + 1);
  absl::Status last =
      Error(absl::StatusCode::kInvalidArgument, "SERVICE_NOT_KNOWN",
            fmt::format("--target names no server of '{}'; 'crmctl status' shows those there are",
                        service));
  const bool one = servers_.size() == 1;
  for (const Server& server : servers_) {
    const bool hosts = server.service.empty() || server.service == name;
    if (!one && (!hosts || (!address.empty() && address != server.address))) continue;
    if (one || !HasReplicas(server) || !address.empty()) return server.client.get();
    GetStatusResponse response;
    last = server.client->Call(Method("GetStatus"), GetStatusRequest(), &response);
    if (last.ok()) return server.client.get();
  }
  return last;
}

template <typename Request>
absl::StatusOr<RpcClient*> ServerInspection::Direct(Request* request) {
  CRM_ASSIGN_OR_RETURN(RpcClient * client, ClientOf(request->service()));
  request->set_service(request->service().substr(0, request->service().find('@')));
  return client;
}

absl::Status ServerInspection::AddStatusOf(const Server& server, GetStatusResponse* all) {
  GetStatusResponse one;
  CRM_RETURN_IF_ERROR(server.client->Call(Method("GetStatus"), GetStatusRequest(), &one));
  if (!all->log_id().empty() && all->log_id() != one.log_id()) {
    return Error(absl::StatusCode::kFailedPrecondition, "LOGS_MIXED",
                 fmt::format("{} serves log {}, others of --target serve {}: they are of "
                             "different deployments",
                             server.address, one.log_id(), all->log_id()));
  }
  const bool marked = HasReplicas(server);
  for (ServiceStatus& service : *one.mutable_services()) {
    if (marked) service.set_service(service.service() + "@" + server.address);
  }
  all->MergeFrom(one);
  return absl::OkStatus();
}

absl::StatusOr<GetStatusResponse> ServerInspection::GetStatus() {
  GetStatusResponse all;
  std::set<std::string> answered;
  std::map<std::string, absl::Status> failed;
  unreached_.clear();
  for (const Server& server : servers_) {
    const absl::Status status = AddStatusOf(server, &all);
    if (status.ok()) {
      answered.insert(server.service);
    } else if (status.code() == absl::StatusCode::kUnavailable) {
      failed[server.service] = status;
      unreached_.push_back(server.service + "@" + server.address);
    } else {
      return status;
    }
  }
  for (const auto& [service, status] : failed) {
    if (answered.count(service) == 0) return status;
  }
  return all;
}

absl::StatusOr<ListDeadLettersResponse> ServerInspection::ListDeadLetters(
    const ListDeadLettersRequest& request) {
  ListDeadLettersRequest direct = request;
  CRM_ASSIGN_OR_RETURN(RpcClient * client, Direct(&direct));
  ListDeadLettersResponse response;
  CRM_RETURN_IF_ERROR(client->Call(Method("ListDeadLetters"), direct, &response));
  return response;
}

absl::StatusOr<ListReactionRefusalsResponse> ServerInspection::ListReactionRefusals(
    const ListReactionRefusalsRequest& request) {
  ListReactionRefusalsRequest direct = request;
  CRM_ASSIGN_OR_RETURN(RpcClient * client, Direct(&direct));
  ListReactionRefusalsResponse response;
  CRM_RETURN_IF_ERROR(client->Call(Method("ListReactionRefusals"), direct, &response));
  return response;
}

absl::Status ServerInspection::ReadLog(const ReadLogRequest& request, const Each<LogEntry>& each) {
  CRM_ASSIGN_OR_RETURN(RpcClient * client, ClientOf(ServiceOfTopic(request.topic())));
  return Stream(*client, "ReadLog", request, each);
}

// Without a topic: those of every service, each by a server of its own.
absl::Status ServerInspection::VerifyLog(const VerifyLogRequest& request,
                                         const Each<VerifyLogResponse>& each) {
  std::set<std::string> services = {ServiceOfTopic(request.topic())};
  if (request.topic().empty() && servers_.size() > 1) {
    services.clear();
    for (const Server& server : servers_) services.insert(server.service);
  }
  for (const std::string& service : services) {
    CRM_ASSIGN_OR_RETURN(RpcClient * client, ClientOf(service));
    CRM_RETURN_IF_ERROR(Stream(*client, "VerifyLog", request, each));
  }
  return absl::OkStatus();
}

absl::Status ServerInspection::RebuildProjection(const RebuildProjectionRequest& request,
                                                 const Each<RebuildProjectionProgress>& each) {
  RebuildProjectionRequest direct = request;
  CRM_ASSIGN_OR_RETURN(RpcClient * client, Direct(&direct));
  return Stream(*client, "RebuildProjection", direct, each);
}

absl::Status ServerInspection::DumpProjection(const DumpProjectionRequest& request,
                                              const Each<DumpProjectionResponse>& each) {
  DumpProjectionRequest direct = request;
  CRM_ASSIGN_OR_RETURN(RpcClient * client, Direct(&direct));
  return Stream(*client, "DumpProjection", direct, each);
}

absl::Status ServerInspection::VerifyProjection(const VerifyProjectionRequest& request,
                                                const Each<VerifyProjectionResponse>& each) {
  VerifyProjectionRequest direct = request;
  CRM_ASSIGN_OR_RETURN(RpcClient * client, Direct(&direct));
  return Stream(*client, "VerifyProjection", direct, each);
}

bool IsOfService(const std::string& service, const std::string& chosen) {
  return service == chosen || service.substr(0, service.find('@')) == chosen;
}

}  // namespace crm::crmctl
