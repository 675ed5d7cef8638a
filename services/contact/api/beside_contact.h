#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/aggregate/command.h"
#include "services/contact/projection/contact_aggregate.h"

namespace crm::contact {

// The kinds of aggregate of the service. Owned by its definition.
struct ContactTypes {
  const AggregateType* contact = nullptr;
  const AggregateType* consents = nullptr;
  const AggregateType* lifecycle = nullptr;
  const AggregateType* quality = nullptr;
};

// A command over what hangs on a contact ("contacts/c1/consents"), which also needs to know whether
// the contact lives: that goes into the command's `contact` when the lane decides. Refused with
// MOVED where the contact is only an alias. `T` as for
// TypedAggregate, `C` is one of its decider's commands.
template <typename T, typename C>
class BesideContact final : public Command {
 public:
  BesideContact(const AggregateType& contact_type, const AggregateType& aggregate_type,
                const std::string& contact, C command)
      : contact_type_(contact_type), command_(std::move(command)) {
    type = &aggregate_type;
    subject = contact;
    aggregate = contact + "/" + std::string(T::kCollection);
  }

  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override {
    C command = command_;
    CRM_ASSIGN_OR_RETURN(const Aggregate* contact, aggregates.Find(contact_type_, subject));
    const Contact& state = static_cast<const TypedAggregate<ContactAggregate>*>(contact)->state();
    if (state.existence == Existence::kMoved) return Moved(state.moved_to);
    command.contact = state.existence;
    return DeciderCommand<T, C>(*type, aggregate, std::move(command)).Decide(aggregates);
  }

 private:
  const AggregateType& contact_type_;
  const C command_;
};

}  // namespace crm::contact
