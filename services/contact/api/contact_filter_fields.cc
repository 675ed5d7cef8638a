#include "services/contact/api/contact_filter_fields.h"

#include <algorithm>
#include <iterator>

#include "common/base/timestamp.h"

namespace crm::contact {
namespace {

using enum FilterType;
using Wanted = std::function<bool(const FilterValue&)>;

constexpr std::string_view kCustomPrefix = "custom_fields.";

constexpr FilterFieldInfo kFields[] = {
    {"kind", FilterField::kKind, FilterType::kKind},
    {"display_name", FilterField::kDisplayName, kText},
    {"given_name", FilterField::kGivenName, kText},
    {"family_name", FilterField::kFamilyName, kText},
    {"emails", FilterField::kEmails, kCode, true},
    {"phones", FilterField::kPhones, kCode, true},
    {"addresses", FilterField::kAddresses, kMessage, true},
    {"addresses.region_code", FilterField::kAddressRegionCode, kCode, true},
    {"addresses.administrative_area", FilterField::kAddressAdministrativeArea, kCode, true},
    {"addresses.locality", FilterField::kAddressLocality, kCode, true},
    {"addresses.postal_code", FilterField::kAddressPostalCode, kCode, true},
    {"addresses.label", FilterField::kAddressLabel, kCode, true},
    {"language_code", FilterField::kLanguageCode, kCode},
    {"region_code", FilterField::kRegionCode, kCode},
    {"time_zone", FilterField::kTimeZone, kCode},
    {"tags", FilterField::kTags, kCode, true},
    {"external_key", FilterField::kExternalKey, kMessage},
    {"external_key.source", FilterField::kExternalKeySource, kCode},
    {"external_key.key", FilterField::kExternalKeyKey, kCode},
    {"linked_keys", FilterField::kLinkedKeys, kMessage, true},
    {"linked_keys.source", FilterField::kLinkedKeysSource, kCode, true},
    {"preferences", FilterField::kPreferences, kMessage, true},
    {"preferences.channel", FilterField::kPreferencesChannel, kCode, true},
    {"preferences.topic", FilterField::kPreferencesTopic, kCode, true},
    {"preferences.attitude", FilterField::kPreferencesAttitude, kAttitude, true},
    {"concerns", FilterField::kConcerns, kMessage, true},
    {"concerns.topic", FilterField::kConcernsTopic, kCode, true},
    {"create_time", FilterField::kCreateTime, kTime},
    {"update_time", FilterField::kUpdateTime, kTime},
    {"custom_fields", FilterField::kCustom, FilterType::kCustom},
};

constexpr bool IsByNumber() {
  for (size_t i = 0; i < std::size(kFields); ++i) {
    if (static_cast<size_t>(kFields[i].field) != i) return false;
  }
  return true;
}
static_assert(IsByNumber());

// As the rule of CustomValue.field.
bool IsCustomId(std::string_view id) {
  if (id.empty() || id.size() > 64 || id[0] < 'a' || id[0] > 'z') return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool Text(const std::string& text, const Wanted& wanted) {
  return !text.empty() && wanted(std::string_view(text));
}

template <typename Texts>
bool AnyText(const Texts& texts, const Wanted& wanted) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return Text(text, wanted); });
}

template <typename Messages, typename TextOf>
bool AnyOf(const Messages& messages, TextOf text_of, const Wanted& wanted) {
  return std::any_of(messages.begin(), messages.end(),
                     [&](const auto& message) { return Text((message.*text_of)(), wanted); });
}

bool Message(bool present, const Wanted& wanted) {
  return present && wanted(std::monostate());
}

bool Enum(int number, const Wanted& wanted) {
  return number != 0 && wanted(int64_t{number});
}

bool AnyAttitude(const v1::Contact& contact, const Wanted& wanted) {
  const auto& all = contact.preferences();
  return std::any_of(all.begin(), all.end(),
                     [&](const v1::Preference& each) { return Enum(each.attitude(), wanted); });
}

bool Custom(const std::string& id, const v1::Contact& contact, const Wanted& wanted) {
  for (const v1::CustomValue& value : contact.custom_fields()) {
    if (value.field() != id || value.value_case() == v1::CustomValue::VALUE_NOT_SET) continue;
    if (wanted(&value)) return true;
  }
  return false;
}

bool Time(bool present, const google::protobuf::Timestamp& time, const Wanted& wanted) {
  return present && wanted(ToTimeNs(time));
}

}  // namespace

const FilterFieldInfo* FindFilterField(std::string_view name) {
  if (name.starts_with(kCustomPrefix)) {
    return IsCustomId(CustomFieldOf(name)) ? &InfoOf(FilterField::kCustom) : nullptr;
  }
  // The name of all declared fields together is none.
  const auto end = std::prev(std::end(kFields));
  const auto at = std::find_if(std::begin(kFields), end,
                               [&](const FilterFieldInfo& info) { return info.name == name; });
  return at == end ? nullptr : at;
}

const FilterFieldInfo& InfoOf(FilterField field) {
  return kFields[static_cast<size_t>(field)];
}

std::string_view CustomFieldOf(std::string_view name) {
  return name.substr(kCustomPrefix.size());
}

std::optional<int64_t> FilterEnumNumber(FilterType type, const std::string& name) {
  auto kind = v1::Contact::KIND_UNSPECIFIED;
  auto attitude = v1::Preference::ATTITUDE_UNSPECIFIED;
  if (type == FilterType::kKind && v1::Contact::Kind_Parse(name, &kind) && kind != 0) return kind;
  if (type == kAttitude && v1::Preference::Attitude_Parse(name, &attitude) && attitude != 0) {
    return attitude;
  }
  return std::nullopt;
}

bool AnyValue(const FilterTerm& term, const v1::Contact& contact, const Wanted& wanted) {
  using v1::Concern;
  using v1::ExternalKey;
  using v1::PostalAddress;
  using v1::Preference;
  switch (term.field) {
    case FilterField::kKind:
      return Enum(contact.kind(), wanted);
    case FilterField::kDisplayName:
      return Text(contact.display_name(), wanted);
    case FilterField::kGivenName:
      return Text(contact.given_name(), wanted);
    case FilterField::kFamilyName:
      return Text(contact.family_name(), wanted);
    case FilterField::kEmails:
      return AnyText(contact.emails(), wanted);
    case FilterField::kPhones:
      return AnyText(contact.phones(), wanted);
    case FilterField::kAddresses:
      return Message(contact.addresses_size() > 0, wanted);
    case FilterField::kAddressRegionCode:
      return AnyOf(contact.addresses(), &PostalAddress::region_code, wanted);
    case FilterField::kAddressAdministrativeArea:
      return AnyOf(contact.addresses(), &PostalAddress::administrative_area, wanted);
    case FilterField::kAddressLocality:
      return AnyOf(contact.addresses(), &PostalAddress::locality, wanted);
    case FilterField::kAddressPostalCode:
      return AnyOf(contact.addresses(), &PostalAddress::postal_code, wanted);
    case FilterField::kAddressLabel:
      return AnyOf(contact.addresses(), &PostalAddress::label, wanted);
    case FilterField::kLanguageCode:
      return Text(contact.language_code(), wanted);
    case FilterField::kRegionCode:
      return Text(contact.region_code(), wanted);
    case FilterField::kTimeZone:
      return Text(contact.time_zone(), wanted);
    case FilterField::kTags:
      return AnyText(contact.tags(), wanted);
    case FilterField::kExternalKey:
      return Message(contact.has_external_key(), wanted);
    case FilterField::kExternalKeySource:
      return Text(contact.external_key().source(), wanted);
    case FilterField::kExternalKeyKey:
      return Text(contact.external_key().key(), wanted);
    case FilterField::kLinkedKeys:
      return Message(contact.linked_keys_size() > 0, wanted);
    case FilterField::kLinkedKeysSource:
      return AnyOf(contact.linked_keys(), &ExternalKey::source, wanted);
    case FilterField::kPreferences:
      return Message(contact.preferences_size() > 0, wanted);
    case FilterField::kPreferencesChannel:
      return AnyOf(contact.preferences(), &Preference::channel, wanted);
    case FilterField::kPreferencesTopic:
      return AnyOf(contact.preferences(), &Preference::topic, wanted);
    case FilterField::kPreferencesAttitude:
      return AnyAttitude(contact, wanted);
    case FilterField::kConcerns:
      return Message(contact.concerns_size() > 0, wanted);
    case FilterField::kConcernsTopic:
      return AnyOf(contact.concerns(), &Concern::topic, wanted);
    case FilterField::kCreateTime:
      return Time(contact.has_create_time(), contact.create_time(), wanted);
    case FilterField::kUpdateTime:
      return Time(contact.has_update_time(), contact.update_time(), wanted);
    case FilterField::kCustom:
      return Custom(term.custom_field, contact, wanted);
  }
  return false;
}

}  // namespace crm::contact
