#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/service/reaction.h"
#include "services/contact/domain/lifecycle.h"

namespace crm::contact {

// The command that lets one order move the stage of a contact ("contacts/c1").
using MakeMoveByOrder =
    std::function<std::unique_ptr<Command>(std::string contact, MoveByOrder order)>;

// Each order that becomes known may move its contact's stage, at the time of the order. A corrected
// one moves nothing: that there is an order was told before. Why an order that is met again moves
// nothing stands with LifecycleDecider. Thread-safe.
class StageOfOrders final : public Reaction {
 public:
  explicit StageOfOrders(MakeMoveByOrder make) : make_(std::move(make)) {}

  std::string_view name() const override { return "stage-of-orders"; }
  std::string_view topic() const override { return "crm.interaction.events"; }
  const google::protobuf::Message& record() const override;
  bool Concerns(const Event& event) const override;
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  const MakeMoveByOrder make_;
};

}  // namespace crm::contact
