#include "common/projection/sealing.h"

#include "common/base/status.h"

namespace crm {

absl::StatusOr<common::v1::Sealed> PlainSealer::Seal(std::string_view, std::string_view,
                                                     const common::v1::SealedContent& content) {
  common::v1::Sealed sealed;
  content.SerializeToString(sealed.mutable_bytes());
  return sealed;
}

absl::StatusOr<Sealer::Opened> PlainSealer::Open(std::string_view, std::string_view,
                                                 const common::v1::Sealed& sealed) {
  Opened opened;
  if (!sealed.key_id().empty() || !opened.content.ParseFromString(sealed.bytes())) {
    return Error(absl::StatusCode::kDataLoss, "SEALED_UNREADABLE",
                 "a sealed part cannot be opened without its key");
  }
  return opened;
}

}  // namespace crm
