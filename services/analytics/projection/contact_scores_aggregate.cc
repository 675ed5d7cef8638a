#include "services/analytics/projection/contact_scores_aggregate.h"

#include "common/base/timestamp.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {

ContactScores ContactScoresAggregate::Load(const v1::ContactScores& resource) {
  return {.rfm = resource.rfm(), .value = resource.value(), .erased = resource.has_erase_time()};
}

v1::ContactScores ContactScoresAggregate::Store(const ContactScores& scores,
                                                const AggregateInfo& info) {
  v1::ContactScores resource;
  resource.set_name(info.name);
  if (!scores.rfm.run().empty()) *resource.mutable_rfm() = scores.rfm;
  if (!scores.value.run().empty()) *resource.mutable_value() = scores.value;
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  if (scores.erased) SetTimestamp(info.update_time, resource.mutable_erase_time());
  return resource;
}

std::string ContactScoresName(std::string_view id) {
  return ContactName(id) + "/scores";
}

}  // namespace crm::analytics
