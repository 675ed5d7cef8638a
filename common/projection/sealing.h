#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crm/common/v1/event.pb.h"

namespace crm {

// Seals the personal fields of events under a key per (tenant, subject) and opens them again.
// Thread-safe.
class Sealer {
 public:
  // What opening found.
  struct Opened {
    enum class Outcome {
      kPlain,
      // The key was destroyed, provably: the event folds without its personal fields.
      kShredded,
    };
    Outcome outcome = Outcome::kPlain;
    common::v1::SealedContent content;
  };

  virtual ~Sealer() = default;
  virtual absl::StatusOr<common::v1::Sealed> Seal(std::string_view tenant, std::string_view subject,
                                                  const common::v1::SealedContent& content) = 0;
  // DATA_LOSS: the bytes cannot be opened and no destruction is on record.
  virtual absl::StatusOr<Opened> Open(std::string_view tenant, std::string_view subject,
                                      const common::v1::Sealed& sealed) = 0;
};

// The identity, until encryption is built.
class PlainSealer final : public Sealer {
 public:
  absl::StatusOr<common::v1::Sealed> Seal(std::string_view tenant, std::string_view subject,
                                          const common::v1::SealedContent& content) override;
  absl::StatusOr<Opened> Open(std::string_view tenant, std::string_view subject,
                              const common::v1::Sealed& sealed) override;
};

}  // namespace crm
