#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/aggregate/command.h"
#include "common/aggregate/core_fold.h"
#include "services/contact/domain/contact.h"
#include "services/contact/projection/contact_aggregate.h"

namespace crm::testing {

// The contact service's rules behind the core's interfaces, as tests of the core use them.
using ContactTraits = contact::ContactAggregate;
using ContactType = TypedAggregateType<ContactTraits>;

// The process's one type of contacts, and the table that holds it alone.
const ContactType& Contacts();
const AggregateTypes& ContactTypes();
const EventSchema& ContactSchema();

// The subject's keys are gone.
struct EraseContact {};

using Step = std::variant<contact::CreateContact, contact::UpdateContact, contact::DeleteContact,
                          contact::UpsertContact, EraseContact>;

// A command of one or several steps, each decided over what the ones before it left; all or none
// are recorded.
class ContactCommand final : public Command {
 public:
  ContactCommand(std::string name, std::vector<Step> steps);
  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override;

 private:
  const std::vector<Step> steps_;
};

// "contacts/c0", "contacts/c1" …: the first `count` names that lie in the partition.
std::vector<std::string> SubjectsIn(Partition partition, const std::string& tenant, size_t count);

contact::Profile Named(const std::string& display_name);

}  // namespace crm::testing
