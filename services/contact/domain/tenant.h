#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "crm/contact/v1/contact_events.pb.h"

namespace crm::contact {

// Reasons of refusals.
inline constexpr std::string_view kTenantExists = "TENANT_EXISTS";
inline constexpr std::string_view kCustomFieldType = "CUSTOM_FIELD_TYPE";
inline constexpr std::string_view kCustomFieldGone = "CUSTOM_FIELD_GONE";
inline constexpr std::string_view kCustomFieldChoiceGone = "CUSTOM_FIELD_CHOICE_GONE";
inline constexpr std::string_view kCustomFieldRequired = "CUSTOM_FIELD_REQUIRED";

// Declares one field of the tenant's contacts; as crm.contact.v1.CustomField.
struct FieldDeclaration {
  std::string id;
  std::string title;
  v1::CustomField::Type type = v1::CustomField::TYPE_UNSPECIFIED;
  bool required = false;
  std::vector<std::string> choices;
  bool retired = false;
  bool operator==(const FieldDeclaration&) const = default;
};

// Which sources count for some fields, best first; as crm.contact.v1.Survivorship.Rule.
struct SourceOrder {
  std::vector<std::string> fields;
  std::vector<std::string> sources;
  bool operator==(const SourceOrder&) const = default;
};

// What a tenant decides for itself, already normalised. The fields mean what they mean in
// crm.contact.v1.Tenant.
struct TenantSettings {
  std::string display_name;
  std::string default_region;
  std::string default_language;
  std::vector<FieldDeclaration> custom_fields{};
  std::vector<SourceOrder> survivorship{};
  bool operator==(const TenantSettings&) const = default;
};

// Calls visit(name in the API, member of TenantSettings) for every field, always in this order.
template <typename Visit>
void ForEachSetting(Visit&& visit) {
  visit("display_name", &TenantSettings::display_name);
  visit("default_region", &TenantSettings::default_region);
  visit("default_language", &TenantSettings::default_language);
  visit("custom_fields", &TenantSettings::custom_fields);
  visit("survivorship", &TenantSettings::survivorship);
}

// Names of fields of TenantSettings; a name that is none of them selects nothing.
using SettingsMask = std::vector<std::string>;

// Between TenantSettings and the message that carries its fields under the same names.
TenantSettings ReadSettings(const v1::Tenant& message);
void WriteSettings(const TenantSettings& settings, v1::Tenant* message);

// One tenant. Only Evolve builds it.
struct Tenant {
  // Something was recorded of it.
  bool known = false;
  TenantSettings settings;
  bool operator==(const Tenant&) const = default;
};

struct CreateTenant {
  TenantSettings settings;
};

// The settings of `mask` become those of `settings`.
struct UpdateTenant {
  TenantSettings settings;
  SettingsMask mask;
};

// A tenant is no person: an erasure, which nothing records, leaves it as it is.
struct TenantDecider {
  using State = Tenant;
  using Event = v1::TenantEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State tenant, const Event& event);

  // TENANT_EXISTS where anything was recorded of it.
  static absl::StatusOr<Events> Decide(const State& tenant, const CreateTenant& command);
  // Also of a tenant that has no settings yet. What was declared stays declared, so that values
  // that contacts have keep their meaning: CUSTOM_FIELD_GONE, CUSTOM_FIELD_TYPE (the type would
  // change), CUSTOM_FIELD_CHOICE_GONE, CUSTOM_FIELD_REQUIRED (an optional field would become
  // required).
  static absl::StatusOr<Events> Decide(const State& tenant, const UpdateTenant& command);
};

}  // namespace crm::contact
