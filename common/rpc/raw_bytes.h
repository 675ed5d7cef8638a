#pragma once

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

// Internal to common/rpc.
namespace crm {

// A serialised response on its way to gRPC, which takes the bytes over.
struct RawBytes {
  mutable std::string bytes;
};

// What has arrived, as one piece; copied only where it lies in several.
grpc::Slice SingleSlice(grpc::ByteBuffer* buffer);
// Valid while `slice` stays where it is: small slices hold their bytes themselves.
inline std::string_view View(const grpc::Slice& slice) {
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

// Owns `bytes` where they are large, copies them where that is cheaper.
grpc::Slice ToSlice(std::string bytes);

// With `grpc-status-details-bin`.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace crm

namespace grpc {

template <>
class SerializationTraits<crm::RawBytes> {
 public:
  static Status Serialize(const crm::RawBytes& message, ByteBuffer* out, bool* own_buffer) {
    const Slice slice = crm::ToSlice(std::move(message.bytes));
    ByteBuffer buffer(&slice, 1);
    out->Swap(&buffer);
    *own_buffer = true;
    return Status::OK;
  }
};

}  // namespace grpc
