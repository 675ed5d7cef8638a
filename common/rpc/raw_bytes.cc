#include "common/rpc/raw_bytes.h"

#include <grpc/slice.h>

#include "common/rpc/error_details.h"

namespace crm {
namespace {

constexpr size_t kCopyUpTo = 4096;

}  // namespace

grpc::Slice SingleSlice(grpc::ByteBuffer* buffer) {
  grpc::Slice slice;
  if (buffer->Valid() && !buffer->TrySingleSlice(&slice).ok()) buffer->DumpToSingleSlice(&slice);
  buffer->Clear();
  return slice;
}

grpc::Slice ToSlice(std::string bytes) {
  if (bytes.size() <= kCopyUpTo) return grpc::Slice(bytes.data(), bytes.size());
  auto* owned = new std::string(std::move(bytes));
  return grpc::Slice(
      owned->data(), owned->size(), [](void* text) { delete static_cast<std::string*>(text); },
      owned);
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), ErrorMessage(status),
                      EncodeErrorDetails(status));
}

}  // namespace crm
