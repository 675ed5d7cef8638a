#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "services/interaction/domain/fact.h"

// Rows of the view ContactTimeline. Keys start with the partition; `contact` and `id` are names
// without what stands before their last slash.
//
//   key                                           value
//   partition 'i' tenant 0 contact 0 time id      -                 an interaction
//   partition 'o' tenant 0 contact 0 time id      products bought (each sized, sorted): an order
//   partition 't' tenant 0 contact 0 currency     orders (varint), sum (be128): of all orders
//   partition 'p' tenant 0 contact 0 product      quantity (zigzag), purchases, returns (varints)
//   partition 'q'                                 -                 some contact is unreadable
//   partition 'q' tenant 0 contact                -                 nothing is kept of this one
//
// `time` sorts the latest first: complements of the seconds since 1970 (be64, sign bit turned) and
// of the nanoseconds (be32). Sums of nothing have no row, so that rows tell what is recorded now,
// whatever was corrected on the way. No row holds personal data: none changes when a contact is
// erased.
namespace crm::interaction {

enum class TimelineFamily : char { kInteractions = 'i', kOrders = 'o' };

// The contact a row belongs to.
struct ContactRef {
  Partition partition = 0;
  std::string_view tenant;
  // "contacts/{contact}".
  std::string_view name;
};

// Start of the keys of a contact's rows; what follows is a place.
std::string TimelinePrefix(const ContactRef& contact, TimelineFamily family);
std::string TotalsPrefix(const ContactRef& contact);
std::string ProductsPrefix(const ContactRef& contact);
std::string UnreadableKey(const ContactRef& contact);
std::string AnyUnreadableKey(Partition partition);

// Of an interaction or order within its contact's rows.
std::string PlaceOf(const Instant& occurred_time, std::string_view aggregate);
// The last part of the aggregate's name; empty where `place` is none.
std::string_view IdAt(std::string_view place);
Instant TimeAt(std::string_view place);

// Orders of one currency.
struct OrderSum {
  int64_t orders = 0;
  // 128 bits hold more orders than there will be.
  __int128 total_minor = 0;

  void Add(const OrderSum& other, int sign);
  bool empty() const { return orders == 0 && total_minor == 0; }
  std::string ToRow() const;
  static std::optional<OrderSum> FromRow(std::string_view row);
};

// Lines of one product. A line with a negative amount is a return.
struct ProductSum {
  // Bought less returned.
  int64_t quantity = 0;
  int64_t purchases = 0;
  int64_t returns = 0;

  void Add(const ProductSum& other, int sign);
  bool empty() const { return quantity == 0 && purchases == 0 && returns == 0; }
  // Bought, and not given back in full.
  bool owned() const { return purchases > 0 && (returns == 0 || quantity > 0); }
  std::string ToRow() const;
  static std::optional<ProductSum> FromRow(std::string_view row);
};

// The value of an order's row.
std::string ProductsToRow(const std::vector<std::string_view>& sorted_products);
std::optional<std::vector<std::string_view>> ProductsFromRow(std::string_view row);

}  // namespace crm::interaction
