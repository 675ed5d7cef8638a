#include "common/rpc/error_details.h"

#include <google/rpc/error_info.pb.h>
#include <google/rpc/status.pb.h>

#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm {
namespace {

constexpr size_t kMaxMessageBytes = 512;
constexpr char kErrorInfo[] = "type.googleapis.com/google.rpc.ErrorInfo";

void AddErrorInfo(const std::string& reason, google::rpc::Status* out) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("crm");
  out->add_details()->PackFrom(info);
}

void Replace(std::string* text) {
  for (char& c : *text) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
}

}  // namespace

std::string ErrorMessage(const absl::Status& error) {
  std::string message(error.message());
  if (!IsUtf8(message)) Replace(&message);
  if (message.size() > kMaxMessageBytes) message.resize(kMaxMessageBytes);
  while (!IsUtf8(message)) message.pop_back();
  return message;
}

std::string EncodeErrorDetails(const absl::Status& error) {
  google::rpc::Status out;
  out.set_code(error.raw_code());
  out.set_message(ErrorMessage(error));
  bool has_info = false;
  error.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    auto* detail = out.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(payload));
    has_info = has_info || url == kErrorInfo;
  });
  if (!has_info) AddErrorInfo(absl::StatusCodeToString(error.code()), &out);
  return out.SerializeAsString();
}

absl::Status DecodeError(int code, const std::string& message, const std::string& details) {
  absl::Status error(static_cast<absl::StatusCode>(code), message);
  google::rpc::Status status;
  if (error.ok() || !status.ParseFromString(details)) return error;
  for (const auto& detail : status.details()) {
    error.SetPayload(detail.type_url(), absl::Cord(detail.value()));
  }
  return error;
}

}  // namespace crm
