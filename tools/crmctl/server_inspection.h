#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/crmctl/inspection.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

// Asks crm.admin.v1.AdminService of running servers, each for what it hosts. Where the client knows
// several replicas of a service, each is a service of its own here, "contact@10.0.0.1:50051";
// requests may name it so, or "contact" for any of them. A replica that cannot be reached is left
// out where another of its service answers.
class ServerInspection final : public Inspection {
 public:
  // `client` is used only here.
  explicit ServerInspection(RpcClient& client);

  absl::StatusOr<admin::v1::GetStatusResponse> GetStatus() override;
  std::vector<std::string> Unreached() const override { return unreached_; }
  absl::StatusOr<admin::v1::ListDeadLettersResponse> ListDeadLetters(
      const admin::v1::ListDeadLettersRequest& request) override;
  absl::StatusOr<admin::v1::ListReactionRefusalsResponse> ListReactionRefusals(
      const admin::v1::ListReactionRefusalsRequest& request) override;
  absl::Status ReadLog(const admin::v1::ReadLogRequest& request,
                       const Each<admin::v1::LogEntry>& each) override;
  absl::Status VerifyLog(const admin::v1::VerifyLogRequest& request,
                         const Each<admin::v1::VerifyLogResponse>& each) override;
  absl::Status RebuildProjection(const admin::v1::RebuildProjectionRequest& request,
                                 const Each<admin::v1::RebuildProjectionProgress>& each) override;
  absl::Status DumpProjection(const admin::v1::DumpProjectionRequest& request,
                              const Each<admin::v1::DumpProjectionResponse>& each) override;
  absl::Status VerifyProjection(const admin::v1::VerifyProjectionRequest& request,
                                const Each<admin::v1::VerifyProjectionResponse>& each) override;

 private:
  struct Server {
    // Empty: all services.
    std::string service;
    std::string address;
    std::unique_ptr<RpcClient> client;
  };

  // The first server that hosts it and answers.
  absl::StatusOr<RpcClient*> ClientOf(const std::string& service);
  bool HasReplicas(const Server& server) const;
  // Appends what the server says of itself.
  absl::Status AddStatusOf(const Server& server, admin::v1::GetStatusResponse* all);
  // The request, to the server of the service that it names.
  template <typename Request>
  absl::StatusOr<RpcClient*> Direct(Request* request);

  std::vector<Server> servers_;
  std::vector<std::string> unreached_;
};

// Whether `chosen` names the service: "contact" does for "contact" and each of its replicas.
bool IsOfService(const std::string& service, const std::string& chosen);

}  // namespace crm::crmctl
