#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::interaction {

// The view behind lists and briefs of one contact: interactions and orders by the time they took
// place, sums of orders by currency, sums of lines by product. Rows: timeline_rows.h; reading them:
// timeline_reader.h.
//
// The rows are a function of what is recorded now: neither the order in which facts arrived nor
// what was corrected shows in them. Of a contact whose history cannot be read nothing is kept.
// Immutable, thread-safe.
class ContactTimeline final : public Projection {
 public:
  static constexpr std::string_view kName = "contact-timeline";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;
};

}  // namespace crm::interaction
