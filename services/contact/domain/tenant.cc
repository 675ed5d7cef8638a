#include "services/contact/domain/tenant.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::contact {

static_assert(DeciderOf<TenantDecider, CreateTenant, UpdateTenant>);

namespace {

using Events = TenantDecider::Events;
using v1::TenantEvent;

template <typename Names, typename Name>
bool Contains(const Names& names, const Name& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> Strings(const google::protobuf::RepeatedPtrField<std::string>& values) {
  return {values.begin(), values.end()};
}

// `base` with the settings named by `mask` taken from `wanted`.
template <typename Names>
TenantSettings Merge(TenantSettings base, const TenantSettings& wanted, const Names& mask) {
  ForEachSetting([&](std::string_view name, auto field) {
    if (Contains(mask, name)) base.*field = wanted.*field;
  });
  return base;
}

SettingsMask Difference(const TenantSettings& a, const TenantSettings& b) {
  SettingsMask names;
  ForEachSetting([&](const char* name, auto field) {
    if (!(a.*field == b.*field)) names.emplace_back(name);
  });
  return names;
}

absl::Status RefuseField(std::string_view reason, const std::string& id,
                         const std::string& message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason,
               "the custom field " + id + " " + message, {{"field", id}});
}

// Values that exist must keep their meaning, and callers that wrote contacts must go on to.
absl::Status CheckSuccessor(const FieldDeclaration& before, const FieldDeclaration& after) {
  if (after.type != before.type) {
    return RefuseField(kCustomFieldType, before.id,
                       "keeps its type; declare a new one and retire this");
  }
  for (const std::string& choice : before.choices) {
    if (Contains(after.choices, choice)) continue;
    return RefuseField(kCustomFieldChoiceGone, before.id,
                       "keeps its choices; more may be added, or the field be retired");
  }
  if (after.required && !before.required) {
    return RefuseField(kCustomFieldRequired, before.id,
                       "is optional and stays so; declare a new one that is required");
  }
  return absl::OkStatus();
}

absl::Status CheckSuccessors(const std::vector<FieldDeclaration>& before,
                             const std::vector<FieldDeclaration>& after) {
  for (const FieldDeclaration& field : before) {
    const auto same = std::find_if(after.begin(), after.end(), [&field](const auto& candidate) {
      return candidate.id == field.id;
    });
    if (same == after.end()) {
      return RefuseField(kCustomFieldGone, field.id, "was declared and stays; retire it instead");
    }
    CRM_RETURN_IF_ERROR(CheckSuccessor(field, *same));
  }
  return absl::OkStatus();
}

Tenant Changed(Tenant tenant, const v1::TenantSettingsChanged& event) {
  tenant.known = true;
  tenant.settings =
      Merge(std::move(tenant.settings), ReadSettings(event.settings()), event.changed_fields());
  return tenant;
}

}  // namespace

TenantSettings ReadSettings(const v1::Tenant& message) {
  TenantSettings settings{.display_name = message.display_name(),
                          .default_region = message.default_region(),
                          .default_language = message.default_language()};
  for (const v1::CustomField& field : message.custom_fields()) {
    settings.custom_fields.push_back({.id = field.id(),
                                      .title = field.title(),
                                      .type = field.type(),
                                      .required = field.required(),
                                      .choices = Strings(field.choices()),
                                      .retired = field.retired()});
  }
  for (const auto& rule : message.survivorship().rules()) {
    settings.survivorship.push_back({Strings(rule.fields()), Strings(rule.sources())});
  }
  return settings;
}

void WriteSettings(const TenantSettings& settings, v1::Tenant* message) {
  message->set_display_name(settings.display_name);
  message->set_default_region(settings.default_region);
  message->set_default_language(settings.default_language);
  for (const FieldDeclaration& field : settings.custom_fields) {
    v1::CustomField* written = message->add_custom_fields();
    written->set_id(field.id);
    written->set_title(field.title);
    written->set_type(field.type);
    written->set_required(field.required);
    written->mutable_choices()->Add(field.choices.begin(), field.choices.end());
    written->set_retired(field.retired);
  }
  for (const SourceOrder& rule : settings.survivorship) {
    auto* written = message->mutable_survivorship()->add_rules();
    written->mutable_fields()->Add(rule.fields.begin(), rule.fields.end());
    written->mutable_sources()->Add(rule.sources.begin(), rule.sources.end());
  }
}

Tenant TenantDecider::Evolve(Tenant tenant, const TenantEvent& event) {
  switch (event.event_case()) {
    case TenantEvent::kCreated:
      return {.known = true, .settings = ReadSettings(event.created().settings())};
    case TenantEvent::kSettingsChanged:
      return Changed(std::move(tenant), event.settings_changed());
    case TenantEvent::kErased:
    case TenantEvent::EVENT_NOT_SET:
      return tenant;
  }
  return tenant;
}

absl::StatusOr<Events> TenantDecider::Decide(const Tenant& tenant, const CreateTenant& command) {
  if (tenant.known) {
    return AlreadyExists(kTenantExists, "the tenant has settings already; update them instead");
  }
  TenantEvent event;
  WriteSettings(command.settings, event.mutable_created()->mutable_settings());
  return Events{std::move(event)};
}

absl::StatusOr<Events> TenantDecider::Decide(const Tenant& tenant, const UpdateTenant& command) {
  const TenantSettings merged = Merge(tenant.settings, command.settings, command.mask);
  CRM_RETURN_IF_ERROR(CheckSuccessors(tenant.settings.custom_fields, merged.custom_fields));
  const SettingsMask changed = Difference(tenant.settings, merged);
  if (changed.empty()) return Events{};
  TenantEvent event;
  auto* message = event.mutable_settings_changed();
  WriteSettings(Merge(TenantSettings{}, merged, changed), message->mutable_settings());
  for (const std::string& name : changed) message->add_changed_fields(name);
  return Events{std::move(event)};
}

}  // namespace crm::contact
