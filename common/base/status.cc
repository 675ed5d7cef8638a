#include "common/base/status.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/error_info.pb.h>

namespace crm {
namespace {

constexpr char kErrorInfo[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kRetryInfo[] = "type.googleapis.com/google.rpc.RetryInfo";
constexpr size_t kMaxFaultBytes = 4096;

void Attach(absl::Status* status, const char* url, const google::protobuf::MessageLite& detail) {
  status->SetPayload(url, absl::Cord(detail.SerializeAsString()));
}

}  // namespace

absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message) {
  return Error(code, reason, message, {});
}

absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message,
                   const ErrorMetadata& metadata) {
  absl::Status status(code, std::string(message));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("crm");
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  Attach(&status, kErrorInfo, info);
  return status;
}

absl::Status RetryLater(absl::StatusCode code, std::string_view reason, std::string_view message,
                        int retry_milliseconds) {
  absl::Status status = Error(code, reason, message);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(retry_milliseconds / 1000);
  retry.mutable_retry_delay()->set_nanos(retry_milliseconds % 1000 * 1'000'000);
  Attach(&status, kRetryInfo, retry);
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfo);
  google::rpc::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return "";
  return info.reason();
}

void FieldFaults::Add(std::string field, std::string description) {
  faults_.emplace_back(std::move(field), std::move(description));
}

absl::Status FieldFaults::ToStatus() const {
  if (faults_.empty()) return absl::OkStatus();
  const auto& [field, description] = faults_.front();
  std::string message = field + ": " + description;
  if (faults_.size() > 1) message += " (and " + std::to_string(faults_.size() - 1) + " more)";
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", message);
  google::rpc::BadRequest bad;
  size_t bytes = 0;
  for (const auto& [path, text] : faults_) {
    bytes += path.size() + text.size() + 8;
    if (bytes > kMaxFaultBytes && bad.field_violations_size() > 0) break;
    auto* violation = bad.add_field_violations();
    violation->set_field(path);
    violation->set_description(text);
  }
  Attach(&status, kBadRequest, bad);
  return status;
}

absl::Status InvalidField(std::string field, std::string description) {
  FieldFaults faults;
  faults.Add(std::move(field), std::move(description));
  return faults.ToStatus();
}

}  // namespace crm
