#include "services/contact/api/tenants.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "services/contact/api/text.h"
#include "services/contact/projection/tenant_aggregate.h"

namespace crm::contact {
namespace {

// They are read with every command.
constexpr size_t kMaxSettingsBytes = 128 << 10;
constexpr std::string_view kCustomPrefix = "custom_fields.";

bool IsFieldId(std::string_view id) {
  return !id.empty() && id[0] >= 'a' && id[0] <= 'z' &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

bool IsContactField(std::string_view name) {
  if (name.starts_with(kCustomPrefix)) return IsFieldId(name.substr(kCustomPrefix.size()));
  bool known = false;
  ForEachField([&](std::string_view field, auto) { known = known || field == name; });
  return known;
}

// Turns settings into what is kept and notes what cannot be.
class Reader {
 public:
  explicit Reader(FieldFaults& faults) : faults_(faults) {}

  TenantSettings Read(const v1::Tenant& tenant) {
    TenantSettings settings = ReadSettings(tenant);
    settings.display_name = KeepLine("tenant.display_name", settings.display_name, faults_);
    Optional("tenant.default_region", NormaliseRegion, "must be a code such as CH",
             &settings.default_region);
    Optional("tenant.default_language", NormaliseLanguage, "must be a BCP 47 tag such as de-CH",
             &settings.default_language);
    CheckFields(settings.custom_fields);
    CheckRules(settings.survivorship);
    if (tenant.ByteSizeLong() > kMaxSettingsBytes) {
      faults_.Add("tenant", fmt::format("must not take more than {} bytes", kMaxSettingsBytes));
    }
    return settings;
  }

 private:
  template <typename Normal>
  void Optional(const char* path, Normal normal, const char* rule, std::string* value) {
    if (value->empty()) return;
    std::optional<std::string> kept = normal(*value);
    if (!kept) faults_.Add(path, rule);
    *value = std::move(kept).value_or("");
  }

  void CheckFields(std::vector<FieldDeclaration>& fields) {
    std::set<std::string> ids;
    for (size_t i = 0; i < fields.size(); ++i) {
      FieldDeclaration& field = fields[i];
      const std::string path = fmt::format("tenant.custom_fields[{}]", i);
      if (!IsFieldId(field.id)) faults_.Add(path + ".id", "must match [a-z][a-z0-9_]*");
      if (!ids.insert(field.id).second) faults_.Add(path + ".id", "must be there once");
      field.title = KeepLine(path + ".title", field.title, faults_);
      if (!v1::CustomField::Type_IsValid(field.type) ||
          field.type == v1::CustomField::TYPE_UNSPECIFIED) {
        faults_.Add(path + ".type", "must be TEXT, INTEGER, NUMBER, FLAG, DATE or CHOICE");
      }
      CheckChoices(path + ".choices", field);
    }
  }

  void CheckChoices(const std::string& path, const FieldDeclaration& field) {
    const bool is_choice = field.type == v1::CustomField::CHOICE;
    if (is_choice && field.choices.empty()) faults_.Add(path, "must name at least one");
    if (!is_choice && !field.choices.empty()) faults_.Add(path, "are for the type CHOICE alone");
    std::set<std::string_view> seen;
    for (size_t i = 0; i < field.choices.size(); ++i) {
      const std::string& choice = field.choices[i];
      const std::string at = fmt::format("{}[{}]", path, i);
      if (choice.empty() || NormaliseText(choice) != choice) {
        faults_.Add(at, "must be a line of text in Unicode NFC without blanks around it");
      }
      if (!seen.insert(choice).second) faults_.Add(at, "must be there once");
    }
  }

  void CheckRules(const std::vector<SourceOrder>& rules) {
    std::set<std::string> ruled;
    for (size_t i = 0; i < rules.size(); ++i) {
      const std::string path = fmt::format("tenant.survivorship.rules[{}]", i);
      std::vector<std::string> fields = rules[i].fields;
      if (fields.empty() && !ruled.insert("").second) {
        faults_.Add(path + ".fields", "may be empty in one rule only");
      }
      for (size_t j = 0; j < fields.size(); ++j) {
        const std::string at = fmt::format("{}.fields[{}]", path, j);
        if (!IsContactField(fields[j])) faults_.Add(at, "must be a field of Contact");
        if (!ruled.insert(fields[j]).second) faults_.Add(at, "must be there once");
      }
      CheckSources(path + ".sources", rules[i].sources);
    }
  }

  void CheckSources(const std::string& path, const std::vector<std::string>& sources) {
    std::set<std::string_view> seen;
    for (size_t i = 0; i < sources.size(); ++i) {
      if (!seen.insert(sources[i]).second) {
        faults_.Add(fmt::format("{}[{}]", path, i), "must be there once");
      }
    }
  }

  FieldFaults& faults_;
};

void CheckOwnName(const Caller& caller, const v1::Tenant& tenant, FieldFaults& faults) {
  if (tenant.name().empty() || tenant.name() == TenantName(caller.tenant)) return;
  faults.Add("tenant.name", "must be that of the call's tenant (metadata crm-tenant), " +
                                TenantName(caller.tenant));
}

SettingsMask AllSettings() {
  SettingsMask all;
  ForEachSetting([&](const char* name, auto) { all.emplace_back(name); });
  return all;
}

SettingsMask SetSettings(const TenantSettings& settings) {
  const TenantSettings empty;
  SettingsMask set;
  ForEachSetting([&](const char* name, auto field) {
    if (!(settings.*field == empty.*field)) set.emplace_back(name);
  });
  return set;
}

SettingsMask ReadMask(const google::protobuf::FieldMask& mask, const TenantSettings& settings,
                      FieldFaults& faults) {
  if (mask.paths().empty()) return SetSettings(settings);
  SettingsMask all = AllSettings();
  SettingsMask named(mask.paths().begin(), mask.paths().end());
  if (named == SettingsMask{"*"}) return all;
  for (const std::string& path : named) {
    if (std::find(all.begin(), all.end(), path) != all.end()) continue;
    faults.Add("update_mask", fmt::format("may be \"*\" or name {}", fmt::join(all, " ")));
    break;
  }
  return named;
}

}  // namespace

std::string TenantName(std::string_view tenant) {
  return fmt::format("{}/{}", kTenantCollection, tenant);
}

TenantSettings NormaliseSettings(const v1::Tenant& tenant, FieldFaults& faults) {
  return Reader(faults).Read(tenant);
}

PreparedCommand TenantRequests::Create(const Caller& caller, const v1::CreateTenantRequest& request,
                                       const NameMaker&) const {
  FieldFaults faults;
  CheckOwnName(caller, request.tenant(), faults);
  TenantSettings settings = NormaliseSettings(request.tenant(), faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  return std::make_unique<DeciderCommand<TenantAggregate, CreateTenant>>(
      *type_, TenantName(caller.tenant), CreateTenant{std::move(settings)});
}

PreparedCommand TenantRequests::Update(const Caller& caller, const v1::UpdateTenantRequest& request,
                                       const NameMaker&) const {
  FieldFaults faults;
  CheckOwnName(caller, request.tenant(), faults);
  TenantSettings settings = NormaliseSettings(request.tenant(), faults);
  SettingsMask mask = ReadMask(request.update_mask(), settings, faults);
  CRM_RETURN_IF_ERROR(faults.ToStatus());
  auto command = std::make_unique<DeciderCommand<TenantAggregate, UpdateTenant>>(
      *type_, TenantName(caller.tenant), UpdateTenant{std::move(settings), std::move(mask)});
  command->etag = request.tenant().etag();
  return command;
}

}  // namespace crm::contact
