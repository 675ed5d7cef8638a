#include "services/contact/api/links.h"

#include <utility>

#include "common/aggregate/core_rows.h"
#include "common/decider/refusal.h"
#include "services/contact/projection/consent_aggregate.h"

namespace crm::contact {
namespace {

// What was consented to under the key's own name stays there, so such a key is not linked: a
// withdrawal must never be lost from sight.
class LinkCommand final : public Command {
 public:
  LinkCommand(const ContactTypes& types, const std::string& alias, RecordAlias command)
      : types_(types), command_(std::move(command)) {
    type = types.contact;
    subject = alias;
    aggregate = alias;
  }

  absl::StatusOr<std::vector<NewEvent>> Decide(AggregateReader& aggregates) const override {
    const std::string ledger = subject + "/" + std::string(ConsentAggregate::kCollection);
    CRM_ASSIGN_OR_RETURN(const Aggregate* consents, aggregates.Find(*types_.consents, ledger));
    if (consents->info().version > 0) {
      return Refused(kExternalKeyTaken,
                     "consents were recorded under the key itself; record them of the contact and "
                     "keep the key apart");
    }
    return DeciderCommand<ContactAggregate, RecordAlias>(*types_.contact, aggregate, command_)
        .Decide(aggregates);
  }

 private:
  const ContactTypes types_;
  const RecordAlias command_;
};

// As far as the core knows.
absl::StatusOr<Contact> ReadContact(const CommandContext& context, const std::string& name) {
  const std::string& tenant = context.caller.tenant;
  if (context.core == nullptr) return Contact();
  CRM_ASSIGN_OR_RETURN(const auto row, context.core->Get(AggregateKey(
                                           PartitionOfSubject(tenant, name), tenant, name)));
  v1::Contact resource;
  if (!row.has_value()) return Contact();
  const std::string_view bytes = ResourceOfRow(*row);
  if (resource.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return ContactAggregate::Load(resource);
  }
  return Error(absl::StatusCode::kDataLoss, "ROW_UNREADABLE",
               "a row of the core store cannot be read; rebuild the projection");
}

// Refused as the contact itself would.
absl::Status CheckTakesKey(const Contact& contact, const ExternalKey& key) {
  CRM_RETURN_IF_ERROR(RefuseIfGone(contact.existence));
  return ContactDecider::Decide(contact, LinkKey{key}).status();
}

}  // namespace

PreparedCommand LinkRequests::Link(const CommandContext& context,
                                   const v1::LinkExternalKeyRequest& request) const {
  FieldFaults faults;
  CheckContactName("contact", request.contact(), faults);
  CheckKey("external_key", request.external_key(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  std::string name = request.contact();
  CRM_ASSIGN_OR_RETURN(Contact contact, ReadContact(context, name));
  if (contact.existence == Existence::kMoved) {
    name = contact.moved_to;
    CRM_ASSIGN_OR_RETURN(contact, ReadContact(context, name));
  }
  const ExternalKey key{request.external_key().source(), request.external_key().key()};
  CRM_RETURN_IF_ERROR(CheckTakesKey(contact, key));
  const std::string alias = NameOfKey(context.caller, request.external_key(), context.names);
  if (alias == name) {
    // Its own key: nothing to record.
    return std::make_unique<DeciderCommand<ContactAggregate, UpdateContact>>(*types_.contact, name,
                                                                             UpdateContact{{}, {}});
  }
  return std::make_unique<LinkCommand>(types_, alias, RecordAlias{name, key});
}

PreparedCommand LinkRequests::Record(const CommandContext&,
                                     const v1::RecordLinkedKeyRequest& request) const {
  FieldFaults faults;
  CheckContactName("contact", request.contact(), faults);
  CheckKey("external_key", request.external_key(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  const ExternalKey key{request.external_key().source(), request.external_key().key()};
  auto command = ByAlias(request.contact(), key);
  command->source = request.source();
  command->causation_id = request.causation_id();
  return command;
}

std::unique_ptr<Command> LinkRequests::ByAlias(const std::string& contact,
                                               const ExternalKey& key) const {
  auto command = std::make_unique<DeciderCommand<ContactAggregate, LinkKey>>(*types_.contact,
                                                                             contact, LinkKey{key});
  v1::RecordLinkedKeyRequest request;
  request.set_contact(contact);
  request.mutable_external_key()->set_source(key.source);
  request.mutable_external_key()->set_key(key.key);
  command->as_call = Command::AsCall{"RecordLinkedKey", request.SerializeAsString()};
  return command;
}

}  // namespace crm::contact
