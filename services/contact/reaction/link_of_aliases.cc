#include "services/contact/reaction/link_of_aliases.h"

namespace crm::contact {

using v1::ContactEvent;
using v1::ContactRecord;

const google::protobuf::Message& LinkOfAliases::record() const {
  return ContactRecord::default_instance();
}

bool LinkOfAliases::Concerns(const Event& event) const {
  return event.aggregate_field == ContactRecord::kContactFieldNumber &&
         static_cast<const ContactEvent&>(*event.aggregate_event).has_alias_recorded();
}

absl::StatusOr<ReactionStep> LinkOfAliases::React(const ReactionContext&, const Event& event,
                                                  std::string_view) {
  const v1::AliasRecorded& alias =
      static_cast<const ContactEvent&>(*event.aggregate_event).alias_recorded();
  ReactionStep step;
  if (!alias.plain().has_external_key()) return step;
  const v1::ExternalKey& key = alias.plain().external_key();
  step.commands.push_back(make_(alias.contact(), {key.source(), key.key()}));
  return step;
}

}  // namespace crm::contact
