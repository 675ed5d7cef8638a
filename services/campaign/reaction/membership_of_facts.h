#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/service/reaction.h"
#include "services/campaign/reaction/membership_rules.h"

namespace crm::campaign {

// Facts of a contact changed: its dynamic segments are evaluated anew, where one looks at such
// facts. One of these for each topic that facts come from. Thread-safe.
class MembershipOfFacts final : public Reaction {
 public:
  enum class Source : uint8_t { kContact, kOrders, kScores };

  MembershipOfFacts(Source source, std::shared_ptr<MembershipRules> rules)
      : source_(source), rules_(std::move(rules)) {}

  std::string_view name() const override;
  std::string_view topic() const override;
  const google::protobuf::Message& record() const override;
  std::vector<std::string> views() const override;
  bool Concerns(const Event& event) const override;
  absl::StatusOr<ReactionStep> React(const ReactionContext& context, const Event& event,
                                     std::string_view progress) override;

 private:
  const Source source_;
  const std::shared_ptr<MembershipRules> rules_;
};

}  // namespace crm::campaign
