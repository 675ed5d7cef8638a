#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/storage/store.h"
#include "services/analytics/domain/scoring.h"
#include "services/analytics/projection/order_facts.h"

namespace crm::analytics {

// Which orders count.
struct OrderSelection {
  std::string tenant;
  std::string currency;
  // Days since 1970-01-01, UTC; later orders do not count.
  int32_t last_day = 0;
};

struct CustomerPurchases {
  // By partition, then id. Who has returns alone is no customer.
  std::vector<Customer> customers;
  // Where the facts were read, by partition.
  std::vector<Offset> read_to;
};

// The customers of the selected orders, summed up for the models; each partition at one position.
// FAILED_PRECONDITION (AMOUNT_OVERFLOW): a customer's amounts leave 64 bits. DATA_LOSS;
// UNAVAILABLE.
absl::StatusOr<CustomerPurchases> ReadPurchases(const RowReader& facts,
                                                const OrderSelection& selection);

}  // namespace crm::analytics
