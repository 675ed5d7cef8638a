#include "tests/support/contact_commands.h"

#include "common/aggregate/core_rows.h"

namespace crm::testing {
namespace {

using contact::Contact;
using contact::ContactDecider;
using contact::v1::ContactEvent;

absl::StatusOr<ContactDecider::Events> DecideStep(const Contact& state, const Step& step) {
  if (std::holds_alternative<EraseContact>(step)) {
    ContactEvent event;
    event.mutable_erased();
    ContactDecider::Events events;
    if (state.existence != contact::Existence::kUnknown) events.push_back(std::move(event));
    return events;
  }
  return std::visit(
      [&](const auto& command) -> absl::StatusOr<ContactDecider::Events> {
        if constexpr (std::is_same_v<std::decay_t<decltype(command)>, EraseContact>) {
          return ContactDecider::Events();
        } else {
          return ContactDecider::Decide(state, command);
        }
      },
      step);
}

}  // namespace

const ContactType& Contacts() {
  static const auto* type = new ContactType();
  return *type;
}

const AggregateTypes& ContactTypes() {
  static const auto* types = new AggregateTypes{{ContactTraits::kRecordField, &Contacts()}};
  return *types;
}

const EventSchema& ContactSchema() {
  static const auto* schema = new EventSchema(contact::v1::ContactRecord::default_instance());
  return *schema;
}

ContactCommand::ContactCommand(std::string name, std::vector<Step> steps)
    : steps_(std::move(steps)) {
  type = &Contacts();
  aggregate = std::move(name);
  subject = std::string(SubjectOf(aggregate));
}

absl::StatusOr<std::vector<NewEvent>> ContactCommand::Decide(AggregateReader& aggregates) const {
  CRM_ASSIGN_OR_RETURN(const Aggregate* found, aggregates.Find(*type, aggregate));
  Contact state = static_cast<const TypedAggregate<ContactTraits>*>(found)->state();
  std::vector<NewEvent> out;
  for (const Step& step : steps_) {
    CRM_ASSIGN_OR_RETURN(ContactDecider::Events events, DecideStep(state, step));
    for (ContactEvent& event : events) {
      state = ContactDecider::Evolve(std::move(state), event);
      auto record = std::make_unique<contact::v1::ContactRecord>();
      *ContactTraits::Mutable(record.get()) = std::move(event);
      out.push_back({type, aggregate, std::move(record)});
    }
  }
  return out;
}

std::vector<std::string> SubjectsIn(Partition partition, const std::string& tenant, size_t count) {
  std::vector<std::string> names;
  for (int i = 0; names.size() < count; ++i) {
    std::string name = "contacts/c" + std::to_string(i);
    if (PartitionOfSubject(tenant, name) == partition) names.push_back(std::move(name));
  }
  return names;
}

contact::Profile Named(const std::string& display_name) {
  contact::Profile profile;
  profile.display_name = display_name;
  return profile;
}

}  // namespace crm::testing
