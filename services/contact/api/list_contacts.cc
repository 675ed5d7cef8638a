#include "services/contact/api/list_contacts.h"

#include <optional>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/list_page.h"
#include "services/contact/api/contact_filter.h"
#include "services/contact/api/core_contacts.h"
#include "services/contact/api/list_plan.h"
#include "services/contact/projection/contact_index.h"

namespace crm::contact {
namespace {

constexpr std::string_view kCollection = "contacts/";
// Pages that are larger are BASIC unless another view is asked for.
constexpr int kLargestFullPage = 100;

absl::Status Check(const v1::ListContactsRequest& request) {
  FieldFaults faults;
  const auto order = ReadListOrder(request.order_by());
  if (!order) faults.Add("order_by", "must be " + std::string(OfferedOrders()));
  if (order && order->index && request.show_deleted()) {
    faults.Add("show_deleted", "is offered with order_by name only");
  }
  return faults.ToStatus();
}

// The places of one tenant's contacts in one order, from `after` on.
class Places {
 public:
  Places(const QueryContext& context, const ListOrder& order, const ListPlan& plan,
         std::string_view after)
      : order_(order),
        plan_(plan),
        contacts_(context),
        rows_(Source(context, plan), Prefix(context.caller.tenant, order, plan), after,
              plan.range) {}

  MergedRows& rows() { return rows_; }

  // The contact at the present place, if it can be shown.
  absl::StatusOr<std::optional<v1::Contact>> Contact() {
    if (plan_.rows == ListPlan::Rows::kOrder) {
      return contacts_.Find(ContactIndex::NameAt(*order_.index, rows_.place()));
    }
    const std::string name = std::string(kCollection).append(rows_.place());
    if (plan_.rows == ListPlan::Rows::kFacet) return contacts_.Find(name);
    // What belongs to a contact lies behind it.
    if (rows_.place().find('/') != std::string_view::npos) return std::nullopt;
    return contacts_.Open(rows_.partition(), name, rows_.value());
  }

 private:
  static const RowReader& Source(const QueryContext& context, const ListPlan& plan) {
    if (plan.rows == ListPlan::Rows::kContacts) return *context.reading.core.rows;
    return *context.reading.view(ContactIndex::kName).rows;
  }

  static std::function<std::string(Partition)> Prefix(const std::string& tenant,
                                                      const ListOrder& order,
                                                      const ListPlan& plan) {
    return [&tenant, &order, &plan](Partition partition) {
      switch (plan.rows) {
        case ListPlan::Rows::kOrder:
          return ContactIndex::OrderPrefix(partition, tenant, *order.index);
        case ListPlan::Rows::kFacet:
          return ContactIndex::FacetPrefix(partition, tenant, plan.facet_hash);
        case ListPlan::Rows::kContacts:
          break;
      }
      return AggregateKey(partition, tenant, kCollection);
    };
  }

  const ListOrder& order_;
  const ListPlan& plan_;
  CoreContacts contacts_;
  MergedRows rows_;
};

// Fills `page` from the places; answers the place it ended at, or nothing at the end of the list.
template <typename Shown>
absl::StatusOr<std::optional<std::string>> FillPage(Places& places, Shown shown,
                                                    ContactPage& page) {
  std::string last;
  MergedRows& rows = places.rows();
  for (int examined = 0; rows.Valid(); rows.Next(), ++examined) {
    if (page.full() || examined == kMaxExamined) return last;
    last = rows.place();
    CRM_ASSIGN_OR_RETURN(auto contact, places.Contact());
    if (contact && shown(*contact)) page.Add(*std::move(contact));
  }
  CRM_RETURN_IF_ERROR(rows.status());
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::string> ListContacts(const QueryContext& context,
                                         const v1::ListContactsRequest& request,
                                         const ContactOptions& options) {
  CRM_RETURN_IF_ERROR(Check(request));
  const ListOrder order = *ReadListOrder(request.order_by());
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  CRM_ASSIGN_OR_RETURN(const ContactFilter filter,
                       ParseContactFilter(request.filter(), options.custom_fields));
  const std::string query = QueryHash(context.caller.tenant, "ListContacts",
                                      {request.order_by().empty() ? "name" : request.order_by(),
                                       request.show_deleted() ? "deleted" : "", request.filter()});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), context.secret));
  const ListPlan plan =
      PlanList(order, filter, request.show_deleted(), context.secret, context.caller.tenant);
  Places places(context, order, plan, after);
  v1::ListContactsResponse response;
  ContactPage page(response.mutable_contacts(), page_size,
                   IsBasic(request.view(), page_size > kLargestFullPage));
  const auto shown = [&](const v1::Contact& contact) {
    return (request.show_deleted() ? IsThere(contact) : IsLiving(contact)) &&
           Matches(filter, contact);
  };
  CRM_ASSIGN_OR_RETURN(const auto end, FillPage(places, shown, page));
  if (end) {
    response.set_next_page_token(SealPageToken(query, *end, context.secret, context.random));
  }
  return response.SerializeAsString();
}

}  // namespace crm::contact
