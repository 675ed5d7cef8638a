#include "tools/crmctl/exit_code.h"

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>

#include "common/base/status.h"

namespace crm::crmctl {
namespace {

constexpr char kPrinted[] = "crmctl/printed";
constexpr char kBadRequest[] = "type.googleapis.com/google.rpc.BadRequest";

absl::Status Printed(absl::StatusCode code) {
  absl::Status status(code, "");
  status.SetPayload(kPrinted, absl::Cord());
  return status;
}

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return ExitCode::kUnavailable;
    default:
      return ExitCode::kNo;
  }
}

absl::Status AnswerIsNo() {
  return Printed(absl::StatusCode::kNotFound);
}

absl::Status InputWasBad() {
  return Printed(absl::StatusCode::kInvalidArgument);
}

std::string DescribeError(const absl::Status& status) {
  if (status.ok() || status.GetPayload(kPrinted)) return "";
  std::string text(status.message());
  if (text.empty()) text = absl::StatusCodeToString(status.code());
  if (const std::string reason = ReasonOf(status); !reason.empty()) text += " (" + reason + ")";
  const auto payload = status.GetPayload(kBadRequest);
  google::rpc::BadRequest bad;
  if (!payload || !bad.ParseFromString(std::string(*payload))) return text;
  // The message names the first.
  for (int i = 1; i < bad.field_violations_size(); ++i) {
    const auto& violation = bad.field_violations(i);
    text += fmt::format("\n  {}: {}", violation.field(), violation.description());
  }
  return text;
}

}  // namespace crm::crmctl
