#include "services/analytics/api/list_scores.h"

#include <optional>
#include <string>
#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "common/projection/list_page.h"
#include "services/analytics/projection/contact_scores_aggregate.h"
#include "services/analytics/projection/customer_rows.h"
#include "services/analytics/projection/customer_scores.h"

namespace crm::analytics {
namespace {

using Order = CustomerScores::Order;

absl::StatusOr<Order> OrderOf(std::string_view order_by) {
  if (order_by.empty() || order_by == "rfm.score desc") return Order::kRfmScore;
  if (order_by == "value.lifetime_value_minor desc") return Order::kLifetimeValue;
  if (order_by == "value.alive_probability") return Order::kAliveProbability;
  return InvalidField("order_by",
                      "must be \"rfm.score desc\", \"value.lifetime_value_minor desc\" or "
                      "\"value.alive_probability\"");
}

absl::StatusOr<std::optional<v1::ContactScores>> FindScores(const QueryContext& context,
                                                            Partition partition,
                                                            std::string_view id) {
  CRM_ASSIGN_OR_RETURN(const auto row,
                       context.reading.core.rows->Get(
                           AggregateKey(partition, context.caller.tenant, ContactScoresName(id))));
  if (!row) return std::nullopt;
  return ParseRow<v1::ContactScores>("core", std::optional<std::string>(ResourceOfRow(*row)));
}

}  // namespace

absl::StatusOr<v1::ListContactScoresResponse> ListContactScores(
    const QueryContext& context, const v1::ListContactScoresRequest& request) {
  const std::string& tenant = context.caller.tenant;
  CRM_ASSIGN_OR_RETURN(const Order order, OrderOf(request.order_by()));
  CRM_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  const std::string query =
      QueryHash(tenant, "ListContactScores", {std::string(1, static_cast<char>(order))});
  CRM_ASSIGN_OR_RETURN(const std::string after,
                       OpenPageToken(query, request.page_token(), context.secret));
  MergedRows rows(
      *context.reading.view(CustomerScores::kName).rows,
      [&](Partition partition) { return CustomerScores::ListPrefix(partition, order, tenant); },
      after);
  v1::ListContactScoresResponse page;
  std::string last;
  for (; rows.Valid() && page.scores_size() < page_size; rows.Next()) {
    last = rows.place();
    CRM_ASSIGN_OR_RETURN(auto scores,
                         FindScores(context, rows.partition(), CustomerScores::IdAt(last)));
    if (scores) *page.add_scores() = *std::move(scores);
  }
  CRM_RETURN_IF_ERROR(rows.status());
  if (rows.Valid()) {
    page.set_next_page_token(SealPageToken(query, last, context.secret, context.random));
  }
  return page;
}

absl::StatusOr<v1::RfmSegments> GetRfmSegments(const QueryContext& context,
                                               const v1::GetRfmSegmentsRequest&) {
  const RowReader& rows = *context.reading.view(CustomerScores::kName).rows;
  CRM_ASSIGN_OR_RETURN(const auto segments, CustomerScores::Segments(rows, context.caller.tenant));
  v1::RfmSegments answer;
  for (const v1::RfmSegment& segment : segments) {
    *answer.add_segments() = segment;
    answer.set_contacts(answer.contacts() + segment.contacts());
  }
  return answer;
}

}  // namespace crm::analytics
