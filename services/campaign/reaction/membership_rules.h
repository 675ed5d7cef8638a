#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/aggregate/command.h"
#include "common/service/reaction.h"
#include "services/campaign/domain/membership.h"
#include "services/campaign/projection/segments.h"

namespace crm::campaign {

// Which contact is evaluated, and for what.
struct Evaluated {
  // "contacts/…", of the reaction's partition.
  std::string contact;
  // The segment that was defined, "segments/…"; empty: facts changed, and all dynamic ones are
  // evaluated.
  std::string defined;
};

// What the reactions that keep memberships share. Thread-safe.
//
// Several reactions evaluate the same contact at the same time, each for an event of its own topic.
// So that whoever comes last has seen all facts, the command reads definitions and facts in the
// contact's lane, when it decides; and who finds memberships already as the facts say sends no
// command, since one that is under way will see these facts too.
class MembershipRules {
 public:
  // The type of reach ledgers; outlives the rules and their commands.
  explicit MembershipRules(const AggregateType& reach) : reach_(reach) {}
  MembershipRules(const MembershipRules&) = delete;
  MembershipRules& operator=(const MembershipRules&) = delete;

  // The command that brings the contact's memberships in line with its facts; null where they are.
  // The rules outlive the command. An error is worth another try.
  absl::StatusOr<std::unique_ptr<Command>> CommandFor(const ReactionContext& context,
                                                      Evaluated evaluated);

  // The tenant's segments by the reading.
  absl::StatusOr<std::shared_ptr<const TenantSegments>> SegmentsOf(const ServiceReading& reading,
                                                                   std::string_view tenant);

  // What the facts of the moment say, against memberships on record.
  absl::StatusOr<EvaluateMemberships> Evaluate(const ServiceReading& reading, Partition partition,
                                               std::string_view tenant, const Evaluated& evaluated,
                                               const Memberships& on_record);

  const AggregateType& reach() const { return reach_; }

 private:
  const AggregateType& reach_;
  SegmentCatalogue catalogue_;
};

}  // namespace crm::campaign
