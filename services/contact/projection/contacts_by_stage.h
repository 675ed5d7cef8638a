#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/projection/projection.h"
#include "services/contact/domain/lifecycle.h"

namespace crm::contact {

// Contacts of one tenant in each stage, by the stage's number.
using StageCounts = std::array<int64_t, kStages>;

// The view behind CountByStage: how many contacts that live are in each stage.
//
//   key                                 value
//   partition 'n' tenant 0              a varint a stage, by number: contacts in it
//   partition 'c' tenant 0 id           two bytes: an Existence, and the stage
//
// `id` is the name without "contacts/". A contact enters with its birth, in the stage its orders
// or a caller gave it before, and leaves when it is deleted, erased, or its history cannot be
// read; then it does not come back (kErased, SUSPECT). Nothing here is personal. Immutable,
// thread-safe.
class ContactsByStage final : public Projection {
 public:
  static constexpr std::string_view kName = "contacts-by-stage";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  // Adds the tenant's contacts of one partition to `counts`. DATA_LOSS: a row cannot be read.
  static absl::Status AddCounts(const RowReader& rows, Partition partition, std::string_view tenant,
                                StageCounts* counts);
};

}  // namespace crm::contact
