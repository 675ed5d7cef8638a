#include "services/contact/api/contact_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/list_contacts.h"
#include "services/contact/api/text.h"
#include "services/contact/api/update_mask.h"
#include "services/contact/domain/contact.h"
#include "services/contact/projection/contact_aggregate.h"
#include "services/contact/projection/contact_by_name.h"

namespace crm::contact {
namespace {

constexpr std::string_view kCollection = "contacts";
constexpr char kIdKind = 'c';
constexpr size_t kIdDigits = 26;

using PreparedCommand = absl::StatusOr<std::unique_ptr<Command>>;

bool IsContactName(std::string_view name) {
  constexpr std::string_view kPrefix = "contacts/c";
  if (!name.starts_with(kPrefix) || name.size() != kPrefix.size() + kIdDigits) return false;
  name.remove_prefix(kPrefix.size());
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); });
}

void CheckName(std::string path, std::string_view name, FieldFaults& faults) {
  if (IsContactName(name)) return;
  faults.Add(std::move(path), "must be a contact's name: contacts/ and its id of 27 characters");
}

// From requests to commands. Copied into the service's methods; borrows the type.
class Requests {
 public:
  Requests(const AggregateType& type, ContactOptions options)
      : type_(&type), options_(std::move(options)) {}

  PreparedCommand Create(const Caller& caller, const v1::CreateContactRequest& request,
                         const NameMaker& names) const {
    FieldFaults faults;
    Profile profile = ForBirth(Normalise(request.contact(), options_, faults));
    auto key = CheckExternalKey(request.contact(), faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    std::string name =
        key ? NameOf(caller, *key, names)
            : names.FromRequest(kCollection, kIdKind, caller.tenant, request.request_id());
    return About(std::move(name), "", CreateContact{std::move(profile), std::move(key)});
  }

  PreparedCommand Update(const Caller&, const v1::UpdateContactRequest& request,
                         const NameMaker&) const {
    FieldFaults faults;
    CheckName("contact.name", request.contact().name(), faults);
    Profile profile = Normalise(request.contact(), options_, faults);
    FieldMask mask = ReadMask(request.update_mask(), profile, faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    return About(request.contact().name(), request.contact().etag(),
                 UpdateContact{std::move(profile), std::move(mask)});
  }

  PreparedCommand Delete(const Caller&, const v1::DeleteContactRequest& request,
                         const NameMaker&) const {
    FieldFaults faults;
    CheckName("name", request.name(), faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    return About(request.name(), request.etag(), DeleteContact{});
  }

  PreparedCommand Upsert(const Caller& caller, const v1::UpsertContactRequest& request,
                         const NameMaker& names) const {
    FieldFaults faults;
    Profile profile = Normalise(request.contact(), options_, faults);
    FieldMask mask = ReadMask(request.update_mask(), profile, faults);
    auto key = CheckExternalKey(request.contact(), faults);
    if (!key) faults.Add("contact.external_key", "is required");
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    std::string name = NameOf(caller, *key, names);
    return About(std::move(name), request.contact().etag(),
                 UpsertContact{ForBirth(std::move(profile)), std::move(mask), std::move(key)});
  }

 private:
  static std::string NameOf(const Caller& caller, const ExternalKey& key, const NameMaker& names) {
    return names.FromExternalKey(kCollection, kIdKind, caller.tenant, key.source, key.key);
  }

  Profile ForBirth(Profile profile) const {
    if (profile.language_code.empty()) profile.language_code = options_.default_language;
    return profile;
  }

  template <typename C>
  std::unique_ptr<Command> About(std::string name, std::string etag, C command) const {
    auto about = std::make_unique<DeciderCommand<ContactAggregate, C>>(*type_, std::move(name),
                                                                       std::move(command));
    about->etag = std::move(etag);
    return about;
  }

  const AggregateType* type_;
  ContactOptions options_;
};

// A PrepareCommand of a member of Requests.
template <typename Request>
PrepareCommand Prepare(const Requests& requests,
                       PreparedCommand (Requests::*prepare)(const Caller&, const Request&,
                                                            const NameMaker&) const) {
  return [requests, prepare](const Caller& caller, const google::protobuf::Message& request,
                             const NameMaker& names) {
    return (requests.*prepare)(caller, static_cast<const Request&>(request), names);
  };
}

v1::UpsertContactResponse::Outcome UpsertOutcome(const Outcome& outcome) {
  if (outcome.events == 0) return v1::UpsertContactResponse::UNCHANGED;
  if (outcome.version_before == 0) return v1::UpsertContactResponse::CREATED;
  return v1::UpsertContactResponse::UPDATED;
}

// The contact goes into the response as it was serialised; protobuf joins the two parts.
std::string RenderUpsert(Outcome&& outcome) {
  constexpr char kContactTag = v1::UpsertContactResponse::kContactFieldNumber << 3 | 2;
  v1::UpsertContactResponse rest;
  rest.set_outcome(UpsertOutcome(outcome));
  std::string response(1, kContactTag);
  AppendSized(&response, outcome.resource);
  return response + rest.SerializeAsString();
}

absl::StatusOr<std::string> RunList(const QueryContext& context,
                                    const google::protobuf::Message& request) {
  return ListContacts(context, static_cast<const v1::ListContactsRequest&>(request));
}

}  // namespace

ServiceDefinition MakeContactService(const ContactOptions& options) {
  auto type = std::make_unique<ContactAggregateType>();
  const Requests requests(*type, options);
  ServiceDefinition service;
  service.name = "contact";
  service.topic = "crm.contact.events";
  service.record = &v1::ContactRecord::default_instance();
  service.rpc = v1::ListContactsRequest::descriptor()->file()->FindServiceByName("ContactService");
  service.resources = {{type.get(), "contacts/*", "GetContact", "ListContactRevisions"}};
  service.commands = {{"CreateContact", Prepare(requests, &Requests::Create)},
                      {"UpdateContact", Prepare(requests, &Requests::Update)},
                      {"DeleteContact", Prepare(requests, &Requests::Delete)},
                      {"UpsertContact", Prepare(requests, &Requests::Upsert), RenderUpsert}};
  service.queries = {{"ListContacts", RunList}};
  service.batches = {{"ImportContacts", "UpsertContact"}};
  service.views.push_back({std::make_unique<ContactByName>(), "", nullptr});
  service.aggregates.push_back(std::move(type));
  return service;
}

absl::StatusOr<ContactOptions> CheckContactOptions(const ContactOptions& options) {
  FieldFaults faults;
  ContactOptions checked;
  if (!options.default_region.empty()) {
    checked.default_region = NormaliseRegion(options.default_region).value_or("");
    if (checked.default_region.empty()) faults.Add("default_region", "must be a code such as CH");
  }
  if (!options.default_language.empty()) {
    checked.default_language = NormaliseLanguage(options.default_language).value_or("");
    if (checked.default_language.empty()) {
      faults.Add("default_language", "must be a BCP 47 tag such as de-CH");
    }
  }
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return checked;
}

}  // namespace crm::contact
