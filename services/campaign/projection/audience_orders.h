#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/projection/projection.h"

namespace crm::campaign {

// What each contact's orders come to. Folds crm.interaction.v1.InteractionRecord.
//
//   key                                        value
//   partition 's' tenant 0 id                  AudienceOrdersRow: all orders
//   partition 'o' tenant 0 id 0 order          AudienceOrderRow: one
//   partition 'p' tenant 0 id 0 product        number of orders with the product, varint; above 0
//   partition 'u' …                            UnreadSubjects
//
// `id` is the contact's name without "contacts/", `order` the order's last id. A sum that 64 bits
// cannot hold wraps around, so that a correction can take back what it added. Immutable,
// thread-safe.
class AudienceOrders final : public Projection {
 public:
  static constexpr std::string_view kName = "audience-orders";

  std::string_view name() const override { return kName; }
  int version() const override { return 1; }
  std::unique_ptr<Fold> Begin(Partition partition, Rows& rows) const override;
  std::string BusinessLine(std::string_view key, std::string_view value) const override;

  static std::string SummaryKey(Partition partition, std::string_view tenant, std::string_view id);
  // Start of the keys of one contact's orders.
  static std::string OrdersPrefix(Partition partition, std::string_view tenant,
                                  std::string_view id);
  static std::string ProductKey(Partition partition, std::string_view tenant, std::string_view id,
                                std::string_view product);
};

}  // namespace crm::campaign
