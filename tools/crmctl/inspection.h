#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "crm/admin/v1/admin_service.pb.h"

namespace crm::crmctl {

// What an operator asks of a log and its projections: of a running server, or of the files of one
// that is stopped. Requests and answers are crm.admin.v1's, and mean the same on both. A callback
// that answers false ends the call, OK. Not thread-safe.
class Inspection {
 public:
  template <typename Answer>
  using Each = std::function<bool(const Answer&)>;

  virtual ~Inspection() = default;
  virtual absl::StatusOr<admin::v1::GetStatusResponse> GetStatus() = 0;
  // Servers that did not answer the last GetStatus; what it answered is of the others.
  virtual std::vector<std::string> Unreached() const { return {}; }
  virtual absl::StatusOr<admin::v1::ListDeadLettersResponse> ListDeadLetters(
      const admin::v1::ListDeadLettersRequest& request) = 0;
  virtual absl::StatusOr<admin::v1::ListReactionRefusalsResponse> ListReactionRefusals(
      const admin::v1::ListReactionRefusalsRequest& request) = 0;
  virtual absl::Status ReadLog(const admin::v1::ReadLogRequest& request,
                               const Each<admin::v1::LogEntry>& each) = 0;
  virtual absl::Status VerifyLog(const admin::v1::VerifyLogRequest& request,
                                 const Each<admin::v1::VerifyLogResponse>& each) = 0;
  virtual absl::Status RebuildProjection(
      const admin::v1::RebuildProjectionRequest& request,
      const Each<admin::v1::RebuildProjectionProgress>& each) = 0;
  virtual absl::Status DumpProjection(const admin::v1::DumpProjectionRequest& request,
                                      const Each<admin::v1::DumpProjectionResponse>& each) = 0;
  virtual absl::Status VerifyProjection(const admin::v1::VerifyProjectionRequest& request,
                                        const Each<admin::v1::VerifyProjectionResponse>& each) = 0;
};

}  // namespace crm::crmctl
