#include "services/interaction/api/fact_queries.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/bytes.h"
#include "common/base/status.h"
#include "common/projection/list_page.h"
#include "common/service/resource_reads.h"
#include "services/interaction/api/request_faults.h"
#include "services/interaction/api/request_reading.h"
#include "services/interaction/projection/contact_timeline.h"
#include "services/interaction/projection/timeline_reader.h"

namespace crm::interaction {
namespace {

// An answer ends after so many bytes found, so that it fits into a message.
constexpr size_t kMaxAnswerBytes = 2 << 20;
constexpr int kDefaultRecent = 5;
constexpr int kMaxRecent = 50;
constexpr int kDefaultProducts = 10;
constexpr int kMaxProducts = 100;

std::string_view CollectionOf(TimelineFamily family) {
  return family == TimelineFamily::kOrders ? "/orders/" : "/interactions/";
}

absl::StatusOr<TimeOrder> OrderOf(std::string_view order_by) {
  if (order_by.empty() || order_by == "occurred_time desc") return TimeOrder::kNewestFirst;
  if (order_by == "occurred_time") return TimeOrder::kOldestFirst;
  return InvalidField("order_by", "must be occurred_time or occurred_time desc");
}

// 0 is the default, more than the maximum is the maximum. INVALID_ARGUMENT when negative.
absl::StatusOr<size_t> Count(const char* field, int32_t asked, int usual, int most) {
  if (asked < 0) return InvalidField(field, "must not be negative");
  return static_cast<size_t>(asked == 0 ? usual : std::min(asked, most));
}

// What is known of one contact. Not thread-safe.
class ContactFacts {
 public:
  ContactFacts(const QueryContext& context, std::string name)
      : core_(*context.reading.core.rows),
        ref_{PartitionOfSubject(context.caller.tenant, name), context.caller.tenant,
             std::move(name)},
        timeline_(*context.reading.view(ContactTimeline::kName).rows,
                  {ref_.partition, ref_.tenant, ref_.name}) {}
  ContactFacts(const ContactFacts&) = delete;
  ContactFacts& operator=(const ContactFacts&) = delete;

  absl::Status CheckReadable() const { return crm::CheckReadable(core_, ref_); }
  const std::string& name() const { return ref_.name; }
  const TimelineReader& timeline() const { return timeline_; }

  size_t PrefixSize(TimelineFamily family) const {
    return TimelinePrefix({ref_.partition, ref_.tenant, ref_.name}, family).size();
  }

  // The resource at a place, serialised; nothing where the core does not hold it.
  absl::StatusOr<std::optional<std::string>> ResourceAt(TimelineFamily family,
                                                        std::string_view place) const {
    ResourceRef ref{ref_.partition, ref_.tenant, ref_.name};
    ref.name.append(CollectionOf(family)).append(IdAt(place));
    auto resource = ReadResource(core_, ref, false);
    if (resource.ok()) return std::optional<std::string>(*std::move(resource));
    if (absl::IsNotFound(resource.status())) return std::optional<std::string>();
    return resource.status();
  }

 private:
  const RowReader& core_;
  const ResourceRef ref_;
  const TimelineReader timeline_;
};

struct PageRequest {
  const char* method;
  TimelineFamily family;
  TimeOrder order;
  int page_size;
  const std::string& page_token;
};

constexpr char kItemTag = 1 << 3 | 2;
static_assert(v1::ListOrdersResponse::kOrdersFieldNumber == 1 &&
              v1::ListOrdersResponse::kNextPageTokenFieldNumber == 2 &&
              v1::ListInteractionsResponse::kInteractionsFieldNumber == 1 &&
              v1::ListInteractionsResponse::kNextPageTokenFieldNumber == 2);

// A response of either list: resources go in as the core holds them.
absl::StatusOr<std::string> ListPage(const QueryContext& context, const ContactFacts& facts,
                                     const PageRequest& request) {
  CRM_RETURN_IF_ERROR(facts.CheckReadable());
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size));
  const bool oldest_first = request.order == TimeOrder::kOldestFirst;
  const std::string query = QueryHash(context.caller.tenant, request.method,
                                      {facts.name(), oldest_first ? "oldest" : "newest"});
  CRM_ASSIGN_OR_RETURN(std::string place, OpenPageToken(query, request.page_token, context.secret));
  const auto row = facts.timeline().Timeline(request.order, request.family, place);
  const size_t prefix = facts.PrefixSize(request.family);
  std::string response;
  for (int found = 0; row->Valid(); row->Next()) {
    if (found == page_size || response.size() >= kMaxAnswerBytes) {
      v1::ListOrdersResponse rest;
      rest.set_next_page_token(SealPageToken(query, place, context.secret, context.random));
      return response + rest.SerializeAsString();
    }
    place = row->key().substr(prefix);
    CRM_ASSIGN_OR_RETURN(const auto resource, facts.ResourceAt(request.family, place));
    if (!resource) continue;
    response.push_back(kItemTag);
    AppendSized(&response, *resource);
    ++found;
  }
  CRM_RETURN_IF_ERROR(row->status());
  return response;
}

template <typename Request>
absl::StatusOr<std::string> NameIn(const QueryContext& context, const Request& request) {
  RequestFaults faults;
  std::string name = ReadContactName(context.caller, ContactIn(request), context.names, faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return name;
}

// The first `count` of one family, added by `add`.
template <typename Add>
absl::Status AddFirst(const ContactFacts& facts, TimeOrder order, TimelineFamily family,
                      size_t count, Add add) {
  const auto row = facts.timeline().Timeline(order, family, "");
  const size_t prefix = facts.PrefixSize(family);
  size_t bytes = 0;
  for (; row->Valid() && count > 0 && bytes < kMaxAnswerBytes / 2; row->Next()) {
    CRM_ASSIGN_OR_RETURN(const auto resource, facts.ResourceAt(family, row->key().substr(prefix)));
    if (!resource) continue;
    add()->ParseFromString(*resource);
    bytes += resource->size();
    --count;
  }
  return row->status();
}

int64_t Saturated(__int128 sum) {
  constexpr __int128 kMin = std::numeric_limits<int64_t>::min();
  constexpr __int128 kMax = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp(sum, kMin, kMax));
}

absl::Status AddTotals(const ContactFacts& facts, v1::ContactBriefResponse* brief) {
  CRM_ASSIGN_OR_RETURN(const auto totals, facts.timeline().Totals());
  for (const auto& one : totals) {
    v1::OrderTotal* total = brief->add_totals();
    total->set_currency_code(one.currency_code);
    total->set_order_count(one.sum.orders);
    total->set_total_minor(Saturated(one.sum.total_minor));
  }
  return absl::OkStatus();
}

absl::Status AddProducts(const ContactFacts& facts, size_t count, v1::ContactBriefResponse* brief) {
  CRM_ASSIGN_OR_RETURN(const auto owned, facts.timeline().Owned(count));
  for (const auto& one : owned) {
    v1::OwnedProduct* product = brief->add_products();
    product->set_product(one.product);
    product->set_quantity(one.sum.quantity);
    product->set_purchase_count(one.sum.purchases);
    WriteInstant(one.last_purchase_time, product->mutable_last_purchase_time());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ListInteractions(const QueryContext& context,
                                             const v1::ListInteractionsRequest& request) {
  CRM_ASSIGN_OR_RETURN(std::string name, NameIn(context, request));
  CRM_ASSIGN_OR_RETURN(const TimeOrder order, OrderOf(request.order_by()));
  return ListPage(context, ContactFacts(context, std::move(name)),
                  {"ListInteractions", TimelineFamily::kInteractions, order, request.page_size(),
                   request.page_token()});
}

absl::StatusOr<std::string> ListOrders(const QueryContext& context,
                                       const v1::ListOrdersRequest& request) {
  CRM_ASSIGN_OR_RETURN(std::string name, NameIn(context, request));
  CRM_ASSIGN_OR_RETURN(const TimeOrder order, OrderOf(request.order_by()));
  return ListPage(
      context, ContactFacts(context, std::move(name)),
      {"ListOrders", TimelineFamily::kOrders, order, request.page_size(), request.page_token()});
}

absl::StatusOr<std::string> ContactBrief(const QueryContext& context,
                                         const v1::ContactBriefRequest& request) {
  CRM_ASSIGN_OR_RETURN(std::string name, NameIn(context, request));
  CRM_ASSIGN_OR_RETURN(const size_t recent,
                       Count("recent", request.recent(), kDefaultRecent, kMaxRecent));
  CRM_ASSIGN_OR_RETURN(const size_t products,
                       Count("products", request.products(), kDefaultProducts, kMaxProducts));
  const ContactFacts facts(context, std::move(name));
  CRM_RETURN_IF_ERROR(facts.CheckReadable());
  v1::ContactBriefResponse brief;
  brief.set_contact(facts.name());
  CRM_RETURN_IF_ERROR(AddTotals(facts, &brief));
  CRM_RETURN_IF_ERROR(AddFirst(facts, TimeOrder::kNewestFirst, TimelineFamily::kInteractions,
                               recent, [&] { return brief.add_recent_interactions(); }));
  CRM_RETURN_IF_ERROR(AddFirst(facts, TimeOrder::kNewestFirst, TimelineFamily::kOrders, recent,
                               [&] { return brief.add_recent_orders(); }));
  CRM_RETURN_IF_ERROR(AddFirst(facts, TimeOrder::kOldestFirst, TimelineFamily::kOrders, 1,
                               [&] { return brief.mutable_first_order(); }));
  if (brief.recent_orders_size() > 0) *brief.mutable_last_order() = brief.recent_orders(0);
  CRM_RETURN_IF_ERROR(AddProducts(facts, products, &brief));
  return brief.SerializeAsString();
}

}  // namespace crm::interaction
