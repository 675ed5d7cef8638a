#include "tools/crmctl/server_inspection.h"

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

absl::StatusOr<GetStatusResponse> ServerInspection::GetStatus() {
  GetStatusResponse response;
  CRM_RETURN_IF_ERROR(client_.Call(Method("GetStatus"), GetStatusRequest(), &response));
  return response;
}

absl::StatusOr<ListDeadLettersResponse> ServerInspection::ListDeadLetters(
    const ListDeadLettersRequest& request) {
  ListDeadLettersResponse response;
  CRM_RETURN_IF_ERROR(client_.Call(Method("ListDeadLetters"), request, &response));
  return response;
}

absl::StatusOr<ListReactionRefusalsResponse> ServerInspection::ListReactionRefusals(
    const ListReactionRefusalsRequest& request) {
  ListReactionRefusalsResponse response;
  CRM_RETURN_IF_ERROR(client_.Call(Method("ListReactionRefusals"), request, &response));
  return response;
}

absl::Status ServerInspection::ReadLog(const ReadLogRequest& request, const Each<LogEntry>& each) {
  return Stream(client_, "ReadLog", request, each);
}

absl::Status ServerInspection::VerifyLog(const VerifyLogRequest& request,
                                         const Each<VerifyLogResponse>& each) {
  return Stream(client_, "VerifyLog", request, each);
}

absl::Status ServerInspection::RebuildProjection(const RebuildProjectionRequest& request,
                                                 const Each<RebuildProjectionProgress>& each) {
  return Stream(client_, "RebuildProjection", request, each);
}

absl::Status ServerInspection::DumpProjection(const DumpProjectionRequest& request,
                                              const Each<DumpProjectionResponse>& each) {
  return Stream(client_, "DumpProjection", request, each);
}

absl::Status ServerInspection::VerifyProjection(const VerifyProjectionRequest& request,
                                                const Each<VerifyProjectionResponse>& each) {
  return Stream(client_, "VerifyProjection", request, each);
}

}  // namespace crm::crmctl
