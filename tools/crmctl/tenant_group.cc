#include <fmt/format.h>

#include "common/base/status.h"
#include "crm/contact/v1/contact_service.pb.h"
#include "tools/crmctl/answers.h"
#include "tools/crmctl/command_groups.h"
#include "tools/crmctl/contact_commands.h"
#include "tools/crmctl/tenant_settings.h"

namespace crm::crmctl {
namespace {

using contact::v1::CustomField;
using contact::v1::Tenant;

constexpr char kFooter[] = R"(
A file is a tenant in JSON, as `crmctl --json tenant show` prints it. What it does not set stays as it is;
custom_fields and survivorship it sets as a whole. Fields that were declared stay: a field may gain choices,
become optional or be retired.

Examples:
  crmctl --tenant acme tenant create --display-name Acme --default-region CH
  crmctl --tenant acme tenant set --field 'age=choice,choices=19-24|25-34' --field 'vip=flag,required'
  crmctl --tenant acme tenant set --file acme.json)";

std::string Method(const char* name) {
  return std::string("/crm.contact.v1.ContactService/") + name;
}

std::string NameOf(const RpcClient& client) {
  const std::string& tenant = client.target().tenant;
  return "tenants/" + (tenant.empty() ? "default" : tenant);
}

std::string Marks(const CustomField& field) {
  std::string marks = field.required() ? "required" : "";
  if (field.retired()) marks += marks.empty() ? "retired" : ", retired";
  return marks;
}

std::string RuleText(const contact::v1::Survivorship::Rule& rule) {
  const std::string sources =
      rule.sources_size() == 0 ? "the latest" : fmt::format("{}", fmt::join(rule.sources(), " > "));
  return fmt::format(
      "{}: {}",
      rule.fields_size() == 0 ? "others" : fmt::format("{}", fmt::join(rule.fields(), ", ")),
      sources);
}

void PrintTenant(const Console& console, const Tenant& tenant) {
  if (console.json) return console.PrintJson(tenant);
  Table settings({{"SETTING"}, {"VALUE"}});
  const auto add = [&settings](const char* setting, const std::string& value) {
    if (!value.empty() && value != "-") settings.Add({setting, value});
  };
  add("name", tenant.name());
  add("display name", tenant.display_name());
  add("default region", tenant.default_region());
  add("default language", tenant.default_language());
  for (const auto& rule : tenant.survivorship().rules()) add("survivorship", RuleText(rule));
  add("etag", tenant.etag());
  add("created", TimeText(tenant, "create_time"));
  add("updated", TimeText(tenant, "update_time"));
  console.out << settings.ToString();
  if (tenant.custom_fields_size() == 0) return;
  Table fields({{"CUSTOM FIELD"}, {"TYPE"}, {"TITLE"}, {""}, {"CHOICES"}});
  for (const CustomField& field : tenant.custom_fields()) {
    fields.Add({field.id(), EnumText(CustomField::Type_Name(field.type())), field.title(),
                Marks(field), fmt::format("{}", fmt::join(field.choices(), ", "))});
  }
  console.out << '\n' << fields.ToString();
}

absl::Status Create(RpcClient& client, Console& console, const TenantArguments& arguments) {
  CRM_ASSIGN_OR_RETURN(SettingsChange change, ApplyTo(Tenant(), arguments));
  contact::v1::CreateTenantRequest request;
  *request.mutable_tenant() = std::move(change.tenant);
  request.mutable_tenant()->set_name(NameOf(client));
  request.set_request_id(arguments.request_id);
  Tenant tenant;
  CRM_RETURN_IF_ERROR(client.Call(Method("CreateTenant"), request, &tenant));
  PrintTenant(console, tenant);
  return absl::OkStatus();
}

absl::Status Show(RpcClient& client, Console& console, const std::string& as_of) {
  contact::v1::GetTenantRequest request;
  request.set_name(NameOf(client));
  if (!as_of.empty()) *request.mutable_as_of() = ParseAsOf(as_of);
  Tenant tenant;
  const absl::Status status = client.Call(Method("GetTenant"), request, &tenant);
  if (absl::IsNotFound(status)) {
    return Error(absl::StatusCode::kNotFound, "TENANT_WITHOUT_SETTINGS",
                 request.name() + " has no settings; give it some with crmctl tenant set");
  }
  CRM_RETURN_IF_ERROR(status);
  PrintTenant(console, tenant);
  return absl::OkStatus();
}

// Of the settings as they are; those of others in between are not written over.
absl::Status Set(RpcClient& client, Console& console, const TenantArguments& arguments) {
  contact::v1::GetTenantRequest get;
  get.set_name(NameOf(client));
  Tenant now;
  const absl::Status found = client.Call(Method("GetTenant"), get, &now);
  if (!found.ok() && !absl::IsNotFound(found)) return found;
  CRM_ASSIGN_OR_RETURN(SettingsChange change, ApplyTo(std::move(now), arguments));
  if (change.mask.empty()) {
    return Error(absl::StatusCode::kInvalidArgument, "TENANT_ARGUMENTS",
                 "say what to set: --file or other options; --help names them");
  }
  contact::v1::UpdateTenantRequest request;
  *request.mutable_tenant() = std::move(change.tenant);
  request.mutable_tenant()->set_name(NameOf(client));
  for (std::string& field : change.mask) request.mutable_update_mask()->add_paths(std::move(field));
  Tenant tenant;
  CRM_RETURN_IF_ERROR(client.Call(Method("UpdateTenant"), request, &tenant));
  PrintTenant(console, tenant);
  return absl::OkStatus();
}

void AddSettings(CLI::App* command, TenantArguments* to) {
  command->footer(kFooter);
  command->add_option("--file", to->file, "Settings as JSON; - is standard input");
  command->add_option("--display-name", to->display_name, "What people call the tenant");
  command->add_option("--default-region", to->default_region,
                      "Country of phone numbers without a code, e.g. CH");
  command->add_option("--default-language", to->default_language,
                      "Language of contacts that name none, e.g. de-CH");
  command
      ->add_option("--field", to->fields,
                   "ID=TYPE[,required][,title=TEXT][,choices=A|B|C], may repeat: declares a field "
                   "of contacts, or declares it anew")
      ->allow_extra_args(false);
}

}  // namespace

void AddTenantCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup(&tree.app(), "tenant", "The tenant that --tenant names");
  auto* to = tree.Keep<TenantArguments>();
  const auto run = [to](auto what) {
    return [to, what](RpcClient& client, Console& console) { return what(client, console, *to); };
  };
  CLI::App* create = tree.AddCall(group, "create", "Make it known, with its settings", run(Create));
  AddSettings(create, to);
  create->add_option("--request-id", to->request_id,
                     "A repeat with the same id and settings is no error");
  CLI::App* set = tree.AddCall(group, "set", "Change settings", run(Set));
  AddSettings(set, to);
  set->add_option("--optional", to->optional, "Id of a field that is required no more, may repeat")
      ->allow_extra_args(false);
  set->add_option("--retire", to->retired, "Id of a field that takes no new values, may repeat")
      ->allow_extra_args(false);
  auto* as_of = tree.Keep<std::string>();
  CLI::App* show = tree.AddCall(
      group, "show", "Its settings, now or as of a past moment",
      [as_of](RpcClient& client, Console& console) { return Show(client, console, *as_of); });
  show->add_option("--as-of", *as_of, "RFC 3339 time, or a position token");
}

}  // namespace crm::crmctl
