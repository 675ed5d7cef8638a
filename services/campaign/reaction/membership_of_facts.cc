#include "services/campaign/reaction/membership_of_facts.h"

#include "common/base/status.h"
#include "crm/analytics/v1/analytics_events.pb.h"
#include "crm/contact/v1/contact_events.pb.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/campaign/projection/audience_contacts.h"
#include "services/campaign/projection/audience_orders.h"
#include "services/campaign/projection/audience_scores.h"

namespace crm::campaign {
namespace {

using analytics::v1::AnalyticsRecord;
using contact::v1::ContactRecord;
using interaction::v1::InteractionRecord;
using Source = MembershipOfFacts::Source;

// Whether the event may begin or end all memberships, whatever the filters look at.
bool IsBirthOrEnd(const Event& event) {
  if (event.aggregate_field != ContactRecord::kContactFieldNumber) return false;
  return !static_cast<const contact::v1::ContactEvent&>(*event.aggregate_event)
              .has_profile_changed();
}

bool LooksAt(const TenantSegments& segments, Source source, const Event& event) {
  const FactSources& sources = segments.needed().sources;
  if (!segments.has_dynamic()) return false;
  switch (source) {
    case Source::kContact:
      return sources.contact || IsBirthOrEnd(event);
    case Source::kOrders:
      return sources.orders;
    case Source::kScores:
      return sources.scores;
  }
  return false;
}

}  // namespace

std::string_view MembershipOfFacts::name() const {
  switch (source_) {
    case Source::kContact:
      return "membership-of-contacts";
    case Source::kOrders:
      return "membership-of-orders";
    case Source::kScores:
      return "membership-of-scores";
  }
  return "";
}

std::string_view MembershipOfFacts::topic() const {
  switch (source_) {
    case Source::kContact:
      return "crm.contact.events";
    case Source::kOrders:
      return "crm.interaction.events";
    case Source::kScores:
      return "crm.analytics.events";
  }
  return "";
}

const google::protobuf::Message& MembershipOfFacts::record() const {
  switch (source_) {
    case Source::kContact:
      return ContactRecord::default_instance();
    case Source::kOrders:
      return InteractionRecord::default_instance();
    case Source::kScores:
      return AnalyticsRecord::default_instance();
  }
  return ContactRecord::default_instance();
}

std::vector<std::string> MembershipOfFacts::views() const {
  switch (source_) {
    case Source::kContact:
      return {std::string(AudienceContacts::kName)};
    case Source::kOrders:
      return {std::string(AudienceOrders::kName)};
    case Source::kScores:
      return {std::string(AudienceScores::kName)};
  }
  return {};
}

bool MembershipOfFacts::Concerns(const Event& event) const {
  if (!event.metadata->aggregate().starts_with("contacts/")) return false;
  switch (source_) {
    case Source::kContact:
      return event.aggregate_field == ContactRecord::kContactFieldNumber ||
             event.aggregate_field == ContactRecord::kConsentFieldNumber ||
             event.aggregate_field == ContactRecord::kLifecycleFieldNumber;
    case Source::kOrders:
      return event.aggregate_field == InteractionRecord::kOrderFieldNumber;
    case Source::kScores:
      return event.aggregate_field == AnalyticsRecord::kScoreFieldNumber;
  }
  return false;
}

absl::StatusOr<ReactionStep> MembershipOfFacts::React(const ReactionContext& context,
                                                      const Event& event, std::string_view) {
  CRM_ASSIGN_OR_RETURN(const auto segments, rules_->SegmentsOf(context.reading, context.tenant));
  ReactionStep step;
  if (!LooksAt(*segments, source_, event)) return step;
  const std::string contact(SubjectOf(event.metadata->aggregate()));
  CRM_ASSIGN_OR_RETURN(auto command, rules_->CommandFor(context, {contact, ""}));
  if (command != nullptr) step.commands.push_back(std::move(command));
  return step;
}

}  // namespace crm::campaign
