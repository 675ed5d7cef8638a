#pragma once

#include "tools/crmctl/inspection.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

// Asks crm.admin.v1.AdminService of a running server.
class ServerInspection final : public Inspection {
 public:
  // `client` outlives it.
  explicit ServerInspection(RpcClient& client) : client_(client) {}

  absl::StatusOr<admin::v1::GetStatusResponse> GetStatus() override;
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
  RpcClient& client_;
};

}  // namespace crm::crmctl
