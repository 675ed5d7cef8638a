#pragma once

#include <string>

#include "absl/status/status.h"

namespace crm {

// The wire form of an error, without any RPC library's types. An error leaves as a gRPC status with
// a google.rpc.Status as `grpc-status-details-bin`: the status's payloads are its details, and one
// without an ErrorInfo gets one whose reason is the code's name.

// `error` as google.rpc.Status, serialised. The message is cut at 512 bytes and made valid UTF-8,
// so that the trailers stay within what clients accept.
std::string EncodeErrorDetails(const absl::Status& error);

// The message as it leaves: as in EncodeErrorDetails.
std::string ErrorMessage(const absl::Status& error);

// The other direction, for clients: code and message as received, `details` as EncodeErrorDetails
// made them or empty. What cannot be read in `details` is left out.
absl::Status DecodeError(int code, const std::string& message, const std::string& details);

}  // namespace crm
