#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/service/reaction.h"
#include "services/campaign/reaction/membership_rules.h"

namespace crm::campaign {

// A segment was defined: the contacts that the partition's owner knows, a chunk at a time in order
// of name, enter it where they match. Contacts that become known meanwhile are evaluated by their
// own events; a snapshot takes those of them that the walk still meets. Thread-safe.
class SegmentBackfill final : public Reaction {
 public:
  // Looks at `chunk` contacts a step.
  explicit SegmentBackfill(std::shared_ptr<MembershipRules> rules, int chunk = 256)
      : rules_(std::move(rules)), chunk_(chunk) {}

  std::string_view name() const override { return "segment-backfill"; }
  std::string_view topic() const override { return "crm.campaign.events"; }
  const google::protobuf::Message& record() const override;
  bool broadcast() const override { return true; }
  std::vector<std::string> views() const override;
  bool Concerns(const Event& event) const override;
  // `progress` is the last contact that was looked at.
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  const std::shared_ptr<MembershipRules> rules_;
  const int chunk_;
};

}  // namespace crm::campaign
