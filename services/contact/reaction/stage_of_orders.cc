#include "services/contact/reaction/stage_of_orders.h"

#include <algorithm>

#include "common/base/timestamp.h"
#include "crm/interaction/v1/interaction_events.pb.h"

namespace crm::contact {
namespace {

using interaction::v1::InteractionRecord;
using interaction::v1::OrderEvent;

constexpr std::string_view kContacts = "contacts/";

// An order dated later than it was recorded took place when it was recorded: a date in the future
// must not bring back whoever leaves in between.
TimeNs TimeOf(const common::v1::EventMetadata& metadata) {
  const TimeNs recorded = ToTimeNs(metadata.recorded_time());
  if (!metadata.has_occurred_time()) return recorded;
  return std::min(ToTimeNs(metadata.occurred_time()), recorded);
}

}  // namespace

const google::protobuf::Message& StageOfOrders::record() const {
  return InteractionRecord::default_instance();
}

bool StageOfOrders::Concerns(const Event& event) const {
  return event.aggregate_field == InteractionRecord::kOrderFieldNumber &&
         static_cast<const OrderEvent&>(*event.aggregate_event).has_recorded() &&
         event.metadata->aggregate().starts_with(kContacts);
}

absl::StatusOr<ReactionStep> StageOfOrders::React(const ReactionContext&, const Event& event,
                                                  std::string_view) {
  const std::string& order = event.metadata->aggregate();
  const TimeNs time = TimeOf(*event.metadata);
  ReactionStep step;
  step.commands.push_back(
      make_(std::string(SubjectOf(order)), {.order = order, .order_time = time}));
  step.commands.back()->occurred_time = time;
  return step;
}

}  // namespace crm::contact
