#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/projection/projection.h"

namespace crm::analytics {

// What a contact bought on one day in one currency.
struct DayFact {
  std::string_view currency;
  // Days since 1970-01-01, UTC.
  int32_t day = 0;
  // Orders of an amount that is not negative, and the others.
  int64_t purchases = 0;
  int64_t returns = 0;
  // Sum of both, in minor units.
  int64_t amount_minor = 0;
};

// a + b, held at the ends of 64 bits.
int64_t AddHeld(int64_t a, int64_t b);

// The facts that scores and sales figures are computed from, as of any day. Corrections take back
// what the order had counted.
//
//   key                                                      value
//   partition 'o' tenant 0 id 0 currency(3) day(be32)        varint purchases, varint returns,
//                                                            varint zigzag amount
//
// day has its sign bit flipped, so that byte order is day order. A day on which nothing is left has
// no row. Erasure leaves the facts: they name nobody. Immutable, thread-safe.
class OrderFacts final : public Projection {
 public:
  static constexpr std::string_view kName = "order-facts";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  using Visit = std::function<void(std::string_view id, const DayFact& fact)>;
  // All facts of one contact, by currency, then day.
  static absl::Status OfContact(const RowReader& rows, std::string_view tenant, std::string_view id,
                                const Visit& visit);
  // All facts of a tenant, by partition, then contact, currency and day. Of each partition all at
  // one position, which it answers: the first offset that is not in it. DATA_LOSS; UNAVAILABLE: the
  // rows change too fast.
  static absl::StatusOr<std::vector<Offset>> OfTenant(const RowReader& rows,
                                                      std::string_view tenant, const Visit& visit);
};

}  // namespace crm::analytics
