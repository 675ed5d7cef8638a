#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/base/mutex.h"
#include "common/service/reaction.h"
#include "services/campaign/projection/reach_aggregate.h"
#include "services/campaign/reaction/outbox.h"

namespace crm::campaign {

// A send that was decided goes to the outbox, unless consent is gone by the newest facts: then it
// is withheld there and cancelled. What stands in the outbox counts, so however often an event is
// met, and whoever meets it, there is one message or none, and a send that stands as a message is
// never cancelled. Thread-safe.
class HandOff final : public Reaction {
 public:
  // The type of reach ledgers outlives the reaction.
  HandOff(const AggregateType& reach, std::shared_ptr<Outbox> outbox)
      : reach_(reach), outbox_(std::move(outbox)) {}

  std::string_view name() const override { return "hand-off"; }
  std::string_view topic() const override { return "crm.campaign.events"; }
  const google::protobuf::Message& record() const override;
  bool Concerns(const Event& event) const override;
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  absl::StatusOr<std::shared_ptr<const v1::Step>> StepOf(const ReactionContext& context,
                                                         const v1::SendDecided& send);

  const AggregateType& reach_;
  const std::shared_ptr<Outbox> outbox_;
  Mutex mutex_;
  // Steps that were handed over lately, by tenant, campaign and step.
  absl::flat_hash_map<std::string, std::shared_ptr<const v1::Step>> steps_;
};

}  // namespace crm::campaign
