#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/storage/store.h"
#include "services/interaction/projection/timeline_rows.h"

namespace crm::interaction {

enum class TimeOrder { kNewestFirst, kOldestFirst };

// Answers about one contact from the rows of ContactTimeline. What it refers to outlives it.
// Thread-safe. DATA_LOSS where a row cannot be read.
class TimelineReader {
 public:
  TimelineReader(const RowReader& rows, const ContactRef& contact)
      : rows_(rows), contact_(contact) {}

  // The rows of a family, from the one behind the place `after`, or from the first where that is
  // empty. The place of a row is the rest of its key after TimelinePrefix.
  std::unique_ptr<RowIterator> Timeline(TimeOrder order, TimelineFamily family,
                                        std::string_view after) const;

  struct CurrencyTotal {
    std::string currency_code;
    OrderSum sum;
  };
  // By currency.
  absl::StatusOr<std::vector<CurrencyTotal>> Totals() const;

  struct OwnedProduct {
    std::string product;
    ProductSum sum;
    Instant last_purchase_time;
  };
  // At most `limit` products that are owned, those bought last first, of the same time by key.
  // Reads the contact's orders back to the last one that tells.
  absl::StatusOr<std::vector<OwnedProduct>> Owned(size_t limit) const;

 private:
  // How many products are owned, up to `limit`.
  absl::StatusOr<size_t> CountOwned(size_t limit) const;
  absl::StatusOr<ProductSum> SumOf(std::string_view product) const;

  const RowReader& rows_;
  const ContactRef contact_;
};

}  // namespace crm::interaction
