#include "services/contact/api/contact_service.h"

#include <memory>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "services/contact/api/consents.h"
#include "services/contact/api/contact_view.h"
#include "services/contact/api/custom_values.h"
#include "services/contact/api/explain_contact.h"
#include "services/contact/api/find_contacts.h"
#include "services/contact/api/links.h"
#include "services/contact/api/list_contacts.h"
#include "services/contact/api/observed.h"
#include "services/contact/api/purges.h"
#include "services/contact/api/quality.h"
#include "services/contact/api/requests.h"
#include "services/contact/api/stages.h"
#include "services/contact/api/tenant_options.h"
#include "services/contact/api/tenants.h"
#include "services/contact/api/text.h"
#include "services/contact/api/update_mask.h"
#include "services/contact/domain/contact.h"
#include "services/contact/domain/profile_fields.h"
#include "services/contact/projection/consent_aggregate.h"
#include "services/contact/projection/contact_aggregate.h"
#include "services/contact/projection/contact_index.h"
#include "services/contact/projection/contact_quality.h"
#include "services/contact/projection/contacts_by_stage.h"
#include "services/contact/projection/lifecycle_aggregate.h"
#include "services/contact/projection/purge_aggregate.h"
#include "services/contact/projection/quality_aggregate.h"
#include "services/contact/projection/tenant_aggregate.h"
#include "services/contact/reaction/link_of_aliases.h"
#include "services/contact/reaction/purge_deleted.h"
#include "services/contact/reaction/stage_of_orders.h"

namespace crm::contact {
namespace {

// From requests to commands. Copied into the service's methods; borrows the type.
class Requests {
 public:
  Requests(const AggregateType& type, const TenantOptions& options)
      : type_(&type), options_(options) {}

  PreparedCommand Create(const CommandContext& context,
                         const v1::CreateContactRequest& request) const {
    CRM_ASSIGN_OR_RETURN(const auto options, options_.Of(context));
    FieldFaults faults;
    Profile profile = Normalise(request.contact(), *options, faults);
    FieldMask mask = FieldsWithValue(profile);
    profile = ForBirth(std::move(profile), *options);
    auto key = CheckExternalKey(request.contact(), faults);
    Observed observed = ReadObserved(request, context.now, *options, faults);
    CheckRequired(profile, *options, faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    const std::string& tenant = context.caller.tenant;
    std::string name =
        key ? NameOfKey(context.caller, request.contact().external_key(), context.names)
            : context.names.FromRequest(kContactCollection, kContactIdKind, tenant,
                                        request.request_id());
    return About(std::move(name), "", *options, observed.time,
                 CreateContact{std::move(profile), std::move(key), observed, std::move(mask)});
  }

  PreparedCommand Update(const CommandContext& context,
                         const v1::UpdateContactRequest& request) const {
    CRM_ASSIGN_OR_RETURN(const auto options, options_.Of(context));
    FieldFaults faults;
    CheckContactName("contact.name", request.contact().name(), faults);
    Profile profile = Normalise(request.contact(), *options, faults);
    FieldMask mask = ReadMask(request.update_mask(), profile, options->custom_fields, faults);
    Observed observed = ReadObserved(request, context.now, *options, faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    UpdateContact command{std::move(profile), std::move(mask), observed,
                          Missing(request.allow_missing()), RequiredFields(options->custom_fields)};
    return About(request.contact().name(), request.contact().etag(), *options, observed.time,
                 std::move(command));
  }

  PreparedCommand Delete(const Caller&, const v1::DeleteContactRequest& request,
                         const NameMaker&) const {
    FieldFaults faults;
    CheckContactName("name", request.name(), faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    return About(request.name(), request.etag(), ContactOptions(), {},
                 DeleteContact{Missing(request.allow_missing())});
  }

  PreparedCommand Undelete(const CommandContext&, const v1::UndeleteContactRequest& request) const {
    FieldFaults faults;
    CheckContactName("name", request.name(), faults);
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    return About(request.name(), request.etag(), ContactOptions(), {}, UndeleteContact{});
  }

  PreparedCommand Upsert(const CommandContext& context,
                         const v1::UpsertContactRequest& request) const {
    CRM_ASSIGN_OR_RETURN(const auto options, options_.Of(context));
    FieldFaults faults;
    Profile profile = Normalise(request.contact(), *options, faults);
    FieldMask mask = ReadMask(request.update_mask(), profile, options->custom_fields, faults);
    auto key = CheckExternalKey(request.contact(), faults);
    Observed observed = ReadObserved(request, context.now, *options, faults);
    if (!key) faults.Add("contact.external_key", "is required");
    CRM_RETURN_IF_ERROR(faults.ToStatus());
    std::string name = NameOfKey(context.caller, request.contact().external_key(), context.names);
    return About(std::move(name), request.contact().etag(), *options, observed.time,
                 UpsertContact{ForBirth(std::move(profile), *options), std::move(mask),
                               std::move(key), observed, RequiredFields(options->custom_fields)});
  }

 private:
  static IfMissing Missing(bool allowed) {
    return allowed ? IfMissing::kAllow : IfMissing::kRefuse;
  }

  static Profile ForBirth(Profile profile, const ContactOptions& options) {
    if (profile.language_code.empty()) profile.language_code = options.default_language;
    return profile;
  }

  // What the decider would refuse, together with the other faults.
  static void CheckRequired(const Profile& profile, const ContactOptions& options,
                            FieldFaults& faults) {
    const std::string missing = MissingAtBirth(profile, RequiredFields(options.custom_fields));
    if (!missing.empty()) faults.Add(std::string(kCustomFieldsPath), missing);
  }

  template <typename C>
  std::unique_ptr<Command> About(std::string name, std::string etag, const ContactOptions& options,
                                 std::optional<TimeNs> observed, C command) const {
    auto about = std::make_unique<DeciderCommand<ContactAggregate, C>>(*type_, std::move(name),
                                                                       std::move(command));
    about->etag = std::move(etag);
    about->settings_version = options.settings_version;
    about->occurred_time = observed.value_or(0);
    return about;
  }

  const AggregateType* type_;
  TenantOptions options_;
};

v1::UpsertContactResponse::Outcome UpsertOutcome(const Outcome& outcome) {
  if (outcome.events == 0 || outcome.last_record == nullptr) {
    return v1::UpsertContactResponse::UNCHANGED;
  }
  const auto& event = static_cast<const v1::ContactRecord&>(*outcome.last_record).contact();
  if (event.has_created()) return v1::UpsertContactResponse::CREATED;
  const v1::ContactProfileChanged& changed = event.profile_changed();
  const bool taken = changed.changed_fields_size() + changed.confirmed_fields_size() > 0;
  return taken ? v1::UpsertContactResponse::UPDATED : v1::UpsertContactResponse::SUPERSEDED;
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

// Reads the core and the index.
QueryMethod FindMethod(std::string method, RunQuery run) {
  return {std::move(method), std::move(run), nullptr, {std::string(ContactIndex::kName)}};
}

// A query that depends on the tenant's settings.
template <typename Request>
RunQuery WithOptions(const TenantOptions& tenants,
                     absl::StatusOr<std::string> (*run)(const QueryContext&, const Request&,
                                                        const ContactOptions&)) {
  return [tenants, run](const QueryContext& context,
                        const google::protobuf::Message& request) -> absl::StatusOr<std::string> {
    CRM_ASSIGN_OR_RETURN(const auto options, tenants.Of(context));
    return run(context, static_cast<const Request&>(request), *options);
  };
}

absl::StatusOr<std::string> RunSearch(const QueryContext& context,
                                      const google::protobuf::Message& request) {
  return SearchContacts(context, static_cast<const v1::SearchContactsRequest&>(request));
}

QueryMethod CheckConsentMethod(const ConsentRequests& consents) {
  using google::protobuf::Message;
  using v1::CheckConsentRequest;
  return {.method = "CheckConsent",
          .run =
              [consents](const QueryContext& context, const Message& request) {
                return consents.Check(context, static_cast<const CheckConsentRequest&>(request));
              },
          .subject =
              [](const Caller& caller, const Message& request, const NameMaker& names) {
                return ConsentRequests::Subject(
                    caller, static_cast<const CheckConsentRequest&>(request), names);
              }};
}

OperationMethods PurgeOperations(const PurgeRequests& purges) {
  return {.pattern = "operations/*",
          .cancel = [purges](const CommandContext&, const google::protobuf::Message& request) {
            return purges.Cancel(
                static_cast<const google::longrunning::CancelOperationRequest&>(request).name());
          }};
}

}  // namespace

ServiceDefinition MakeContactService(const ContactOptions& options) {
  ServiceDefinition service;
  const auto add = [&service](std::unique_ptr<AggregateType> type) {
    service.aggregates.push_back(std::move(type));
    return service.aggregates.back().get();
  };
  const ContactTypes types{.contact = add(std::make_unique<ContactAggregateType>()),
                           .consents = add(std::make_unique<ConsentAggregateType>()),
                           .lifecycle = add(std::make_unique<LifecycleAggregateType>()),
                           .quality = add(std::make_unique<QualityAggregateType>())};
  const AggregateType* tenant_type = add(std::make_unique<TenantAggregateType>());
  const PurgeRequests purges(*types.contact, *add(std::make_unique<PurgeAggregateType>()));
  const TenantOptions tenant_options(options);
  const Requests requests(*types.contact, tenant_options);
  const TenantRequests tenants(*tenant_type);
  const ConsentRequests consents(types);
  const StageRequests stages(types);
  const LinkRequests links(types);
  const QualityRequests quality(types, tenant_options);
  service.name = "contact";
  service.topic = "crm.contact.events";
  service.core_version = 3;
  service.record = &v1::ContactRecord::default_instance();
  service.rpc = v1::ListContactsRequest::descriptor()->file()->FindServiceByName("ContactService");
  service.resources = {
      {types.contact, "contacts/*", "GetContact", "ListContactRevisions", "BatchGetContacts",
       NotInBasicView()},
      {types.consents, "contacts/*/consents", "GetConsents", "ListConsentRevisions"},
      {types.lifecycle, "contacts/*/lifecycle", "GetLifecycle", "ListLifecycleRevisions"},
      {types.quality, "contacts/*/quality", "GetQuality", ""},
      {tenant_type, "tenants/{tenant}", "GetTenant", "ListTenantRevisions"}};
  service.commands = {{"CreateContact", Prepare(requests, &Requests::Create)},
                      {"UpdateContact", Prepare(requests, &Requests::Update)},
                      {"DeleteContact", Prepare(requests, &Requests::Delete)},
                      {"UpsertContact", Prepare(requests, &Requests::Upsert), RenderUpsert},
                      {"UndeleteContact", Prepare(requests, &Requests::Undelete)},
                      {"LinkExternalKey", Prepare(links, &LinkRequests::Link)},
                      {"GrantConsent", Prepare(consents, &ConsentRequests::Grant)},
                      {"WithdrawConsent", Prepare(consents, &ConsentRequests::Withdraw)},
                      {"AdvanceLifecycle", Prepare(stages, &StageRequests::Advance)},
                      {"PurgeContacts", Prepare(purges, &PurgeRequests::Purge)},
                      {"OpenQualityIssue", Prepare(quality, &QualityRequests::Open)},
                      {"ResolveQualityIssue", Prepare(quality, &QualityRequests::Resolve)},
                      {"UpdateTenant", Prepare(tenants, &TenantRequests::Update)}};
  CommandMethod create_tenant{"CreateTenant", Prepare(tenants, &TenantRequests::Create)};
  create_tenant.for_unknown_tenants = true;
  service.commands.push_back(std::move(create_tenant));
  CommandMethod record_key{"RecordLinkedKey", Prepare(links, &LinkRequests::Record)};
  record_key.known_by_request_id = true;
  service.commands.push_back(std::move(record_key));
  CommandMethod record_purged{"RecordPurgedPartition", Prepare(purges, &PurgeRequests::Record)};
  record_purged.known_by_request_id = true;
  service.commands.push_back(std::move(record_purged));
  service.operations = PurgeOperations(purges);
  service.tenants = kTenantCollection;
  service.queries = {FindMethod("ListContacts", WithOptions(tenant_options, ListContacts)),
                     FindMethod("LookupContacts", WithOptions(tenant_options, LookupContacts)),
                     FindMethod("SearchContacts", RunSearch),
                     CheckConsentMethod(consents),
                     ExplainMethod(*types.contact),
                     {"CountByStage", CountByStage, nullptr, {std::string(ContactsByStage::kName)}},
                     {"GetQualityScorecard",
                      WithOptions(tenant_options, GetQualityScorecard),
                      nullptr,
                      {std::string(ContactQualityView::kName)}}};
  service.batches = {{"ImportContacts", "UpsertContact"}, {"ImportConsents", "GrantConsent"}};
  auto index = std::make_unique<ContactIndex>();
  service.use_secret = [at = index.get()](const Secret& secret) { at->UseSecret(secret); };
  service.views.push_back({std::move(index), "", nullptr});
  service.views.push_back({std::make_unique<ContactsByStage>(), "", nullptr});
  service.views.push_back({std::make_unique<ContactQualityView>(), "", nullptr});
  service.reactions.push_back(
      std::make_unique<StageOfOrders>([stages](const std::string& contact, MoveByOrder order) {
        return stages.ByOrder(contact, std::move(order));
      }));
  service.reactions.push_back(
      std::make_unique<LinkOfAliases>([links](const std::string& contact, const ExternalKey& key) {
        return links.ByAlias(contact, key);
      }));
  service.reactions.push_back(std::make_unique<PurgeDeleted>(purges.Commands()));
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
