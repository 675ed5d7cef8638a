#include "services/analytics/api/record_scores.h"

#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/service/resource_reads.h"
#include "crm/analytics/v1/analytics_service.pb.h"
#include "services/analytics/projection/contact_scores_aggregate.h"
#include "services/analytics/projection/customer_rows.h"

namespace crm::analytics {
namespace {

absl::StatusOr<std::unique_ptr<Command>> Record(const AggregateType& scores,
                                                const v1::RecordContactScoresRequest& request) {
  CRM_RETURN_IF_ERROR(CheckResourceName("contacts/*", request.contact()));
  v1::ContactScored scored;
  switch (request.scores_case()) {
    case v1::RecordContactScoresRequest::kRfm:
      *scored.mutable_rfm() = request.rfm();
      break;
    case v1::RecordContactScoresRequest::kValue:
      *scored.mutable_value() = request.value();
      break;
    case v1::RecordContactScoresRequest::SCORES_NOT_SET:
      return InvalidField("scores", "needs rfm or value");
  }
  auto command = std::make_unique<DeciderCommand<ContactScoresAggregate, ScoreContact>>(
      scores, ContactScoresName(ContactIdOf(request.contact())), ScoreContact{std::move(scored)});
  command->source = request.source();
  command->causation_id = request.causation_id();
  return command;
}

}  // namespace

PrepareCommand PrepareRecordContactScores(const AggregateType& scores) {
  return [&scores](const CommandContext&, const google::protobuf::Message& request) {
    return Record(scores, static_cast<const v1::RecordContactScoresRequest&>(request));
  };
}

}  // namespace crm::analytics
