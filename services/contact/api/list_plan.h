#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"
#include "common/projection/list_page.h"
#include "services/contact/api/contact_filter.h"
#include "services/contact/projection/contact_index.h"

namespace crm::contact {

struct ListOrder {
  // Nothing: by name.
  std::optional<ContactIndex::Order> index;
  bool descending = false;
};

// Nothing where `order_by` is none that is offered.
std::optional<ListOrder> ReadListOrder(std::string_view order_by);
// "name, display_name, …", for a fault.
std::string_view OfferedOrders();

// Which rows a list walks.
struct ListPlan {
  enum class Rows : uint8_t {
    // The core's.
    kContacts,
    // The index of the order.
    kOrder,
    // Those of one value, in order of name.
    kFacet,
  };
  Rows rows = Rows::kContacts;
  // Of kFacet.
  std::string facet_hash;
  // Of kOrder.
  PlaceRange range;
};

// The least rows that an index offers for this order: of comparisons that must hold, those with the
// order's own field bound the walk, and by name one with a field that has an index of its values is
// walked instead. Whatever is walked, the filter is asked of each contact.
ListPlan PlanList(const ListOrder& order, const ContactFilter& filter, bool show_deleted,
                  const Secret& secret, std::string_view tenant);

}  // namespace crm::contact
