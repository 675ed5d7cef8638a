#include "services/campaign/reaction/membership_rules.h"

#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/base/status.h"
#include "services/campaign/projection/reach_aggregate.h"
#include "services/campaign/reaction/audience_reading.h"

namespace crm::campaign {
namespace {

// A view that cannot be read now is healed or rebuilt; the reaction waits for it.
absl::Status Again(const absl::Status& status) {
  if (absl::IsUnavailable(status)) return status;
  return Error(absl::StatusCode::kUnavailable, "VIEW_UNREADABLE",
               "a view of the campaign service cannot be read now; try again");
}

Memberships MembershipsOf(const Reach& reach) {
  Memberships memberships;
  for (const MembershipEntry& entry : reach.memberships) memberships.insert(entry.segment);
  return memberships;
}

absl::StatusOr<Memberships> ReadMemberships(const ReactionContext& context,
                                            std::string_view contact) {
  CRM_ASSIGN_OR_RETURN(const auto row, context.reading.core.rows->Get(AggregateKey(
                                           context.partition, context.tenant, ReachName(contact))));
  if (!row) return Memberships();
  const std::string_view resource = ResourceOfRow(*row);
  v1::Reach reach;
  if (!reach.ParseFromArray(resource.data(), static_cast<int>(resource.size()))) {
    return Error(absl::StatusCode::kUnavailable, "ROW_UNREADABLE", "a reach cannot be read now");
  }
  return MembershipsOf(ReachAggregate::Load(reach));
}

// Decides by the facts of the moment at which the lane comes to it.
class EvaluateCommand final : public Command {
 public:
  EvaluateCommand(MembershipRules& rules, const ReactionContext& context, Evaluated evaluated)
      : rules_(rules),
        reading_(context.reading),
        partition_(context.partition),
        tenant_(context.tenant),
        time_(context.now),
        evaluated_(std::move(evaluated)) {
    type = &rules_.reach();
    subject = evaluated_.contact;
    aggregate = ReachName(evaluated_.contact);
  }

  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override {
    CRM_ASSIGN_OR_RETURN(const Aggregate* found, aggregates.Find(*type, aggregate));
    const auto& reach = static_cast<const TypedAggregate<ReachAggregate>*>(found)->state();
    auto command = rules_.Evaluate(reading_, partition_, tenant_, evaluated_, MembershipsOf(reach));
    if (!command.ok()) return Again(command.status());
    command->time = time_;
    return DeciderCommand<ReachAggregate, EvaluateMemberships>(*type, aggregate,
                                                               *std::move(command))
        .Decide(aggregates);
  }

 private:
  MembershipRules& rules_;
  // Keeps the views open; their rows are those of the moment.
  const ServiceReading reading_;
  const Partition partition_;
  const std::string tenant_;
  const TimeNs time_;
  const Evaluated evaluated_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Command>> MembershipRules::CommandFor(const ReactionContext& context,
                                                                     Evaluated evaluated) {
  CRM_ASSIGN_OR_RETURN(const Memberships on_record, ReadMemberships(context, evaluated.contact));
  CRM_ASSIGN_OR_RETURN(
      const EvaluateMemberships command,
      Evaluate(context.reading, context.partition, context.tenant, evaluated, on_record));
  if (!Changes(command, on_record)) return std::unique_ptr<Command>();
  return std::make_unique<EvaluateCommand>(*this, context, std::move(evaluated));
}

absl::StatusOr<std::shared_ptr<const TenantSegments>> MembershipRules::SegmentsOf(
    const ServiceReading& reading, std::string_view tenant) {
  return catalogue_.Get(*reading.view(Segments::kName).rows, tenant);
}

absl::StatusOr<EvaluateMemberships> MembershipRules::Evaluate(const ServiceReading& reading,
                                                              Partition partition,
                                                              std::string_view tenant,
                                                              const Evaluated& evaluated,
                                                              const Memberships& on_record) {
  CRM_ASSIGN_OR_RETURN(const auto segments, SegmentsOf(reading, tenant));
  const FactsNeeded needed =
      evaluated.defined.empty() ? segments->needed() : segments->NeededFor(evaluated.defined);
  CRM_ASSIGN_OR_RETURN(const FactsAt read, ReadFactsAt(AudienceOf(reading, partition), tenant,
                                                       evaluated.contact, needed));
  EvaluateMemberships command =
      evaluated.defined.empty()
          ? segments->Evaluate(read.facts, on_record)
          : segments->EvaluateDefined(evaluated.defined, read.facts, on_record);
  command.facts = read.at.Positions();
  return command;
}

}  // namespace crm::campaign
