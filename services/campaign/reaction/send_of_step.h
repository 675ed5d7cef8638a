#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/service/reaction.h"
#include "services/campaign/projection/reach_aggregate.h"

namespace crm::campaign {

// A step of a campaign was started: each partition's owner decides on a send for each member of the
// segment that it knows, a chunk at a time in order of name, by the newest facts. Who enters the
// segment behind the walk is not sent this step. Thread-safe.
class SendOfStep final : public Reaction {
 public:
  // The type of reach ledgers; outlives the reaction.
  explicit SendOfStep(const AggregateType& reach) : reach_(reach) {}

  std::string_view name() const override { return "send-of-step"; }
  std::string_view topic() const override { return "crm.campaign.events"; }
  const google::protobuf::Message& record() const override;
  bool broadcast() const override { return true; }
  std::vector<std::string> views() const override;
  bool Concerns(const Event& event) const override;
  // `progress` is the last contact that was decided about.
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  const AggregateType& reach_;
};

}  // namespace crm::campaign
